"""What the tests let run in a process with a JVM; plain values go in and come out."""

from btrackmate.core.spots import Spots
from btrackmate.fiji_bridge import images


def start_imagej(jar):
    """Start a JVM with ImageJ alone."""
    import jpype

    jpype.startJVM("-Djava.awt.headless=true", classpath=[str(jar)])


def describe(imp):
    """Give all of an ImagePlus that the conversion sets, and each plane by (t, c, z)."""
    width, height, channels, slices, frames = (int(n) for n in imp.getDimensions())
    calibration = imp.getCalibration()
    planes = {}
    for t in range(frames):
        for c in range(channels):
            for z in range(slices):
                processor = imp.getStack().getProcessor(imp.getStackIndex(c + 1, z + 1, t + 1))
                planes[t, c, z] = [
                    [float(processor.getf(x, y)) for x in range(width)] for y in range(height)
                ]
    return {
        "size": (width, height, channels, slices, frames),
        "bits": int(imp.getBitDepth()),
        "hyperstack": bool(imp.isHyperStack()),
        "voxel": tuple(
            float(getattr(calibration, f"pixel{name}")) for name in ("Width", "Height", "Depth")
        ),
        "unit": str(calibration.getUnit()),
        "interval": float(calibration.frameInterval),
        "time_unit": str(calibration.getTimeUnit()),
        "title": str(imp.getTitle()),
        "planes": planes,
    }


def convert(image, *args, **kwargs):
    """Convert an array and describe the ImagePlus."""
    return describe(images.to_imageplus(image, *args, **kwargs))


def convert_labels(labels, *args, **kwargs):
    """Convert labels and describe the ImagePlus."""
    return describe(images.labels_to_imageplus(labels, *args, **kwargs))


def there_and_back(image, *args, **kwargs):
    """Convert an array and back."""
    picture = images.from_imageplus(images.to_imageplus(image, *args, **kwargs))
    return picture.array, picture.calibration, picture.title


def labels_there_and_back(labels, *args, **kwargs):
    """Convert labels and back."""
    return images.labels_from_imageplus(images.labels_to_imageplus(labels, *args, **kwargs)).array


def xarray_there_and_back(image):
    """Convert a DataArray and back, with what ImageJ got."""
    imp = images.to_imageplus(image)
    back = images.to_xarray(imp)
    coords = {name: back.coords[name].to_numpy() for name in back.coords}
    return describe(imp), back.dims, back.to_numpy(), coords, back.attrs


def read_floats_as_labels(image, axes):
    """Read an image of floats as labels."""
    return images.labels_from_imageplus(images.to_imageplus(image, axes)).array


def read_rgb():
    """Read an RGB image."""
    import jpype

    processor = jpype.JClass("ij.process.ColorProcessor")(2, 2)
    images.from_imageplus(jpype.JClass("ij.ImagePlus")("colour", processor))


def read_signed():
    """Read a 16-bit image that ImageJ marks as signed: -3 and 5."""
    import jpype

    processor = jpype.JClass("ij.process.ShortProcessor")(2, 1)
    imp = jpype.JClass("ij.ImagePlus")("signed", processor)
    imp.getCalibration().setSigned16BitCalibration()
    for x, value in enumerate((-3, 5)):
        processor.set(x, 0, value + 32768)
    return images.from_imageplus(imp).array


def start(settings):
    """Start Fiji; say what runs, and whether pyimagej's gateway is there."""
    from btrackmate.fiji_bridge import FijiSettings, start_fiji

    fiji = start_fiji(FijiSettings(**settings))
    return {"trackmate": fiji.trackmate, "java": fiji.java, "gateway": fiji.ij is not None}


def pack(spots):
    """Take spots apart for the way into the other process."""
    return spots.table, spots.calibration, spots.ndim, spots.n_frames, dict(spots.contours)


def link(spots, settings):
    """Link packed spots with TrackMate."""
    from btrackmate.fiji_bridge import TrackMateLinker, start_fiji

    graph = TrackMateLinker(start_fiji())(Spots(*spots), settings)
    return graph.links_table()


def _stop_at(after):
    """Make a progress that stops the work when it is called the `after`-th time."""
    from btrackmate.core.errors import Cancelled

    calls = []

    def stop(step, done, total):
        calls.append(done)
        if len(calls) == after:
            raise Cancelled

    return stop


def link_and_stop(spots, settings, after):
    """Link, and stop when progress is reported the `after`-th time.

    Gives the message, and whether Java was still at it when that was given up.
    """
    from btrackmate.core.errors import Cancelled
    from btrackmate.fiji_bridge import TrackMateLinker, jobs, start_fiji

    fiji = start_fiji()
    left: list[object] = []
    leave, jobs.leave_behind = jobs.leave_behind, left.append
    try:
        TrackMateLinker(fiji)(Spots(*spots), settings, _stop_at(after))
    except Cancelled as error:
        return str(error), bool(left)
    finally:
        jobs.leave_behind = leave
    return "not stopped", False


def describe_model(spots, features=None):
    """Give the model that TrackMate gets of spots: features by id and frame."""
    from btrackmate.fiji_bridge import start_fiji, to_model

    start_fiji()
    model = to_model(Spots(*spots), features)
    found = {}
    for spot in model.getSpots().iterable(True):
        values = {str(key): float(spot.getFeature(key)) for key in spot.getFeatures().keySet()}
        found[int(spot.ID())] = values
    units = (str(model.getSpaceUnits()), str(model.getTimeUnits()))
    return found, units


def track_arrays(movie, output, settings):
    """Track arrays with the plugin in TrackMate; say how many spots and tracks there are."""
    from btrackmate.fiji_bridge import start_fiji, track_movie

    trackmate = track_movie(start_fiji(), movie, output, settings)
    model = trackmate.getModel()
    return int(model.getSpots().getNSpots(True)), int(model.getTrackModel().nTracks(True))


def plugin(image, output, settings=None, **files):
    """Run the plugin on files."""
    from btrackmate.fiji_bridge import run_plugin, start_fiji

    return run_plugin(start_fiji(), image, output, settings, **files)


def script(path, values):
    """Run a Jython script."""
    from btrackmate.fiji_bridge import run_script, start_fiji

    return run_script(start_fiji(), path, values)


def command(words):
    """Run a command line; give exit code, output and messages."""
    import contextlib
    import io

    from btrackmate.cli.main import run_command

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_command([str(word) for word in words])
    return code, out.getvalue(), err.getvalue()


def stop_plugin(image, output, after):
    """Run the plugin on a file, and stop it when progress is reported the `after`-th time."""
    from btrackmate.core.errors import Cancelled
    from btrackmate.fiji_bridge import run_plugin, start_fiji

    fiji = start_fiji()
    try:
        run_plugin(fiji, image, output, progress=_stop_at(after))
    except Cancelled as error:
        return str(error)
    return "not stopped"


def open_and_save(path, output):
    """Open a TrackMate file as its menu entry does, and save it; say what was selected."""
    import jpype

    from btrackmate.fiji_bridge import start_fiji

    start_fiji()
    make_file = jpype.JClass("java.io.File")
    reader = jpype.JClass("fiji.plugin.trackmate.io.TmXmlReader")(make_file(str(path)))
    model = reader.getModel()
    settings = reader.readSettings(reader.readImage())
    warnings = str(reader.getErrorMessage())
    jpype.JClass("fiji.plugin.trackmate.TrackMatePlugIn").lastLoadedFile = make_file(str(path))
    trackmate = jpype.JClass("fiji.plugin.trackmate.TrackMate")(model, settings)
    context = jpype.JClass("fiji.plugin.trackmate.util.TMUtils").getContext()
    context.service("org.scijava.object.ObjectService").addObject(trackmate)
    quiet = jpype.JClass("fiji.plugin.trackmate.Logger").VOID_LOGGER
    writer = jpype.JClass("fiji.plugin.trackmate.io.TmXmlWriter")(make_file(str(output)), quiet)
    writer.appendModel(model)
    writer.appendSettings(settings)
    writer.writeToFile()
    return warnings, str(settings.detectorFactory.getKey()), str(settings.trackerFactory.getKey())


def read_model(path):
    """Open a TrackMate file; give warnings, links, and features as read and as computed anew."""
    import jpype

    from btrackmate.fiji_bridge import start_fiji

    start_fiji()
    make_file = jpype.JClass("java.io.File")
    reader = jpype.JClass("fiji.plugin.trackmate.io.TmXmlReader")(make_file(str(path)))
    model = reader.getModel()
    settings = reader.readSettings(None)
    warnings = str(reader.getErrorMessage())
    settings.addAllAnalyzers()
    read = _list_features(model)
    trackmate = jpype.JClass("fiji.plugin.trackmate.TrackMate")(model, settings)
    trackmate.computeEdgeFeatures(False)
    trackmate.computeTrackFeatures(False)
    spots = {
        int(spot.ID()): {
            str(key): float(spot.getFeature(key)) for key in spot.getFeatures().keySet()
        }
        for spot in model.getSpots().iterable(False)
    }
    return warnings, spots, read, _list_features(model)


def _list_features(model):
    """Give the features of all links, by the ids of their ends, and of all tracks."""
    tracks, features = model.getTrackModel(), model.getFeatureModel()
    edges = {}
    for edge in tracks.edgeSet():
        ends = int(tracks.getEdgeSource(edge).ID()), int(tracks.getEdgeTarget(edge).ID())
        values = {key: features.getEdgeFeature(edge, key) for key in features.getEdgeFeatures()}
        edges[ends] = {str(k): float(v) for k, v in values.items() if v is not None}
    found = {}
    for track in tracks.trackIDs(False):
        values = {key: features.getTrackFeature(track, key) for key in features.getTrackFeatures()}
        found[int(track)] = {str(k): float(v) for k, v in values.items() if v is not None}
    return edges, found
