/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Component;
import java.awt.Window;
import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Future;
import java.util.stream.Collectors;

import javax.swing.JButton;
import javax.swing.JComboBox;
import javax.swing.JDialog;
import javax.swing.JFrame;
import javax.swing.JLabel;
import javax.swing.JRadioButton;
import javax.swing.JTextField;
import javax.swing.SwingUtilities;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.scijava.Cancelable;
import org.scijava.command.CommandModule;
import org.scijava.command.CommandService;
import org.scijava.object.ObjectService;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.util.TMUtils;
import ij.IJ;
import ij.ImageJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.Prefs;
import io.github.btrackmate.schema.SharedDefaults;

/**
 * Plugins &gt; Tracking &gt; BTrackMate &gt; Track… on a screen: the command
 * that the menu runs, its dialog filled in, and TrackMate's wizard walked through
 * with its Next button.
 */
@Tag( "screen" )
class MenuTest
{
	/** Wizard panels, with room for more. */
	private static final int MOST_PANELS = 20;

	private ImageJ ij;

	@BeforeEach
	void open()
	{
		Screen.assumeThereIsOne();
		ij = new ImageJ( ImageJ.EMBEDDED );
		// Not before: ImageJ reads its preferences when it starts.
		Prefs.set( "btrackmate.track.distance", "15" );
		ij.setVisible( true );
	}

	/** On the thread of the windows: ImageJ's menu and AWT's tree lock each other out otherwise. */
	@AfterEach
	void close() throws InterruptedException, InvocationTargetException
	{
		if ( ij == null )
			return;
		SwingUtilities.invokeAndWait( () -> {
			for ( final int id : WindowManager.getIDList() == null ? new int[ 0 ] : WindowManager.getIDList() )
			{
				WindowManager.getImage( id ).changes = false;
				WindowManager.getImage( id ).close();
			}
			Arrays.stream( Window.getWindows() ).forEach( Window::dispose );
		} );
	}

	private static ImagePlus show( final File file )
	{
		final ImagePlus imp = IJ.openImage( file.getPath() );
		imp.show();
		return imp;
	}

	private static ImagePlus show( final String file )
	{
		return show( Path.of( System.getProperty( "parity.dir" ), "labels_small", file ).toFile() );
	}

	/** Grey values of the size of the labels. */
	private static ImagePlus showNoise( final ImagePlus like )
	{
		final ImagePlus imp = IJ.createHyperStack( "movie", like.getWidth(), like.getHeight(), 1, like.getNSlices(), like.getNFrames(), 8 );
		final Random random = new Random( 1 );
		for ( int i = 1; i <= imp.getStackSize(); i++ )
			random.nextBytes( ( byte[] ) imp.getStack().getProcessor( i ).getPixels() );
		imp.setCalibration( like.getCalibration().copy() );
		imp.show();
		return imp;
	}

	private Future< CommandModule > running;

	private JDialog openDialog() throws InterruptedException
	{
		running = TMUtils.getContext().service( CommandService.class ).run( TrackCommand.class, true );
		return Screen.awaitWindow( JDialog.class, "Track cells" );
	}

	private static < C extends Component > C field( final JDialog dialog, final Class< C > type, final String name )
	{
		return type.cast( Screen.find( dialog, name ).orElseThrow( () -> new AssertionError( "no field " + name ) ) );
	}

	private static void onScreen( final Runnable action ) throws InterruptedException, InvocationTargetException
	{
		SwingUtilities.invokeAndWait( action );
	}

	private static void type( final JDialog dialog, final String name, final Object text ) throws InterruptedException, InvocationTargetException
	{
		onScreen( () -> field( dialog, JTextField.class, name ).setText( String.valueOf( text ) ) );
	}

	private static void choose( final JDialog dialog, final String name, final Object item ) throws InterruptedException, InvocationTargetException
	{
		onScreen( () -> field( dialog, JComboBox.class, name ).setSelectedItem( item ) );
		assertEquals( item, field( dialog, JComboBox.class, name ).getSelectedItem() );
	}

	private static void press( final JDialog dialog, final String name ) throws InterruptedException, InvocationTargetException
	{
		onScreen( () -> field( dialog, JButton.class, name ).doClick() );
	}

	private static Object chosen( final JDialog dialog, final String name )
	{
		return field( dialog, JComboBox.class, name ).getSelectedItem();
	}

	private static void awaitText( final JDialog dialog, final String name, final String part ) throws InterruptedException
	{
		Screen.await( name + ": " + part, () -> Optional.of( field( dialog, JLabel.class, name ).getText() ).filter( t -> t.contains( part ) ) );
	}

	private static boolean isWizardOpen()
	{
		return Arrays.stream( Window.getWindows() ).anyMatch( w -> w.isShowing() && w instanceof JFrame f && f.getTitle().startsWith( "TrackMate on" ) );
	}

	@Test
	void wizardAgreesOnLabelsAlone() throws Exception
	{
		wizardAgrees( "labels_small" );
	}

	@Test
	void wizardAgreesOnAPlaneWithTwoChannels() throws Exception
	{
		wizardAgrees( "plane_two_channels" );
	}

	@Test
	void wizardAgreesOnAStackWithTissues() throws Exception
	{
		wizardAgrees( "tissue_3d" );
	}

	/**
	 * Dialog and wizard give the spots, intensities, links and pruned spots of
	 * tests/parity; the dialog finds image, labels and mask by itself.
	 */
	private void wizardAgrees( final String name ) throws Exception
	{
		final ParityCase parity = new ParityCase( name );
		final ImagePlus mask = parity.mask().map( MenuTest::show ).orElse( null );
		final ImagePlus labels = show( parity.labels() );
		final boolean inImage = parity.labels().equals( parity.image() );
		final ImagePlus image = inImage ? labels : show( parity.image() );
		final ObjectService objects = TMUtils.getContext().service( ObjectService.class );
		final List< TrackMate > before = objects.getObjects( TrackMate.class );
		final JDialog dialog = openDialog();
		assertEquals( image, chosen( dialog, "image" ) );
		assertTrue( field( dialog, JRadioButton.class, inImage ? "fromChannel" : "fromLabels" ).isSelected() );
		assertEquals( mask, chosen( dialog, "mask" ) );
		if ( mask != null )
			choose( dialog, "maskPolicy", parity.text( "mask_policy" ) );
		type( dialog, "linkingDistance", parity.distance() );
		type( dialog, "frameGap", parity.frameGap() );
		type( dialog, "minTrackletLength", parity.minimum() );
		onScreen( () -> field( dialog, JComboBox.class, "minTrackletUnit" ).setSelectedIndex( "time".equals( parity.text( "min_tracklet_unit" ) ) ? 1 : 0 ) );
		awaitText( dialog, "count", "Frame 1: " );
		Screen.shoot( "track-dialog-" + name );
		press( dialog, "ok" );

		final JFrame wizard = Screen.awaitWindow( JFrame.class, "TrackMate on " );
		final TrackMate trackmate = objects.getObjects( TrackMate.class ).stream().filter( t -> !before.contains( t ) ).findFirst().orElseThrow();
		final Model model = trackmate.getModel();
		assertTrue( model.getSpots().getNSpots( true ) > 0, "the cells are there when the wizard opens" );
		assertEquals( "sec", model.getTimeUnits() );
		final double depth = image.getCalibration().pixelDepth;
		assertTrue( Screen.holdsAny( model, 0, ( image.getSlice() - 1 ) * depth, depth ), "the slice that is shown has cells" );
		Screen.shoot( "filter-spots-" + name );
		for ( int i = 0; i < MOST_PANELS && model.getTrackModel().nTracks( false ) == 0; i++ )
		{
			Screen.press( wizard, "Next" );
			// The panel slides in; then the button is off while TrackMate works.
			Thread.sleep( 2000 );
		}
		Screen.press( wizard, "Next" );
		Thread.sleep( 2000 );
		Screen.press( wizard, "Next" );
		Thread.sleep( 2000 );
		Screen.shoot( "tracked-" + name );
		parity.checkDistances( trackmate.getSettings().trackerSettings );
		parity.check( model );
		wizard.dispose();
	}

	/** With movie, labels and mask open, whichever is active, each is found by its content and name. */
	@Test
	void openImagesAreFoundByContent() throws Exception
	{
		final ImagePlus labels = show( "labels.tif" );
		final ImagePlus movie = showNoise( labels );
		final ImagePlus mask = show( "mask.tif" );
		final JDialog dialog = openDialog();
		assertEquals( movie, chosen( dialog, "image" ) );
		assertTrue( field( dialog, JRadioButton.class, "fromLabels" ).isSelected() );
		assertEquals( labels, chosen( dialog, "labels" ) );
		assertEquals( mask, chosen( dialog, "mask" ) );
		awaitText( dialog, "count", "Frame 1: " );
		assertNotNull( movie.getOverlay(), "the cells are outlined" );
		assertEquals( "15", field( dialog, JTextField.class, "linkingDistance" ).getText(), "what was used last" );
		Screen.shoot( "guessed" );
		press( dialog, "cancel" );
		running.get();
		Screen.await( "no outlines", () -> movie.getOverlay() == null ? Optional.of( true ) : Optional.empty() );
		assertFalse( isWizardOpen() );
	}

	/** A mistake is said in the dialog, which stays open; nothing that does not apply is shown. */
	@Test
	void mistakesAreSaidInTheDialog() throws Exception
	{
		show( "labels.tif" );
		final ImagePlus mask = show( "mask.tif" );
		final ImagePlus small = IJ.createImage( "small mask", "8-bit", 20, 30, 1 );
		small.show();
		final JDialog dialog = openDialog();
		choose( dialog, "mask", null );
		assertTrue( field( dialog, JTextField.class, "linkingDistance" ).getToolTipText().endsWith( "Default: " + SharedDefaults.text( "linking_max_distance" ) ) );
		assertFalse( field( dialog, JComboBox.class, "maskPolicy" ).isVisible() );
		assertFalse( field( dialog, JTextField.class, "table" ).isVisible() );
		type( dialog, "linkingDistance", "abc" );
		press( dialog, "ok" );
		awaitText( dialog, "message", "Linking distance is 'abc'; a number was expected" );
		type( dialog, "linkingDistance", "-3" );
		press( dialog, "ok" );
		awaitText( dialog, "message", "-3.0; a number of µm above 0" );
		type( dialog, "linkingDistance", "8" );
		choose( dialog, "mask", small );
		press( dialog, "ok" );
		awaitText( dialog, "message", "'small mask' is 20 x 30" );
		choose( dialog, "mask", mask );
		choose( dialog, "maskPolicy", "fraction" );
		assertTrue( field( dialog, JTextField.class, "maskFraction" ).isVisible() );
		type( dialog, "maskFraction", "1.7" );
		press( dialog, "ok" );
		awaitText( dialog, "message", "1.7" );
		type( dialog, "maskFraction", "0.5" );
		type( dialog, "tissues", "7" );
		press( dialog, "ok" );
		awaitText( dialog, "message", "has no tissue 7" );
		Screen.shoot( "mistake" );
		onScreen( () -> field( dialog, JRadioButton.class, "fromTable" ).doClick() );
		assertTrue( field( dialog, JTextField.class, "table" ).isVisible() );
		press( dialog, "ok" );
		awaitText( dialog, "message", "No table was chosen" );
		press( dialog, "cancel" );
		running.get();
		assertFalse( isWizardOpen() );
	}

	/** Nothing is asked; the tracks are there when the wizard opens. */
	@Test
	void quickTrack() throws Exception
	{
		final ImagePlus labels = show( "labels.tif" );
		final ObjectService objects = TMUtils.getContext().service( ObjectService.class );
		final List< TrackMate > before = objects.getObjects( TrackMate.class );
		final CommandModule module = TMUtils.getContext().service( CommandService.class ).run( QuickTrackCommand.class, true ).get();
		assertFalse( ( ( Cancelable ) module.getDelegateObject() ).isCanceled(), ( ( Cancelable ) module.getDelegateObject() ).getCancelReason() );
		final JFrame wizard = Screen.awaitWindow( JFrame.class, "TrackMate on labels" );
		final TrackMate trackmate = objects.getObjects( TrackMate.class ).stream().filter( t -> !before.contains( t ) ).findFirst().orElseThrow();
		final Model model = trackmate.getModel();
		assertTrue( model.getTrackModel().nTracks( true ) > 50 );
		final double distance = ( Double ) trackmate.getSettings().trackerSettings.get( "LINKING_MAX_DISTANCE" );
		assertTrue( distance > 2 && distance < 15, distance + " µm" );
		assertTrue( labels.getFrame() == 1 );
		Screen.shoot( "quick-track" );
		wizard.dispose();
	}

	/** Grey values alone are no label image. */
	@Test
	void quickTrackNeedsLabels() throws Exception
	{
		final ImagePlus labels = IJ.openImage( Path.of( System.getProperty( "parity.dir" ), "labels_small", "labels.tif" ).toString() );
		showNoise( labels );
		final Cancelable command = ( Cancelable ) TMUtils.getContext().service( CommandService.class ).run( QuickTrackCommand.class, true ).get().getDelegateObject();
		assertTrue( command.getCancelReason().contains( "'movie' looks like intensities" ), command.getCancelReason() );
		assertFalse( isWizardOpen() );
	}

	/** ImageJ without SciJava's menus has the entries from plugins.config, in the same place. */
	@Test
	void pluginsConfigNamesTheCommands() throws Exception
	{
		final List< String > lines;
		try (var stream = MenuEntry.class.getResourceAsStream( "/plugins.config" ))
		{
			lines = new String( stream.readAllBytes(), StandardCharsets.UTF_8 ).lines().filter( l -> !l.startsWith( "#" ) ).toList();
		}
		final CommandService commands = TMUtils.getContext().service( CommandService.class );
		final Set< String > expected = commands.getCommands().stream().filter( c -> c.getClassName().startsWith( MenuEntry.class.getPackageName() ) )
				.map( c -> "Plugins>Tracking>BTrackMate, \"" + c.getMenuPath().getLeaf().getName() + "\", " + MenuEntry.class.getName() + "(\"" + c.getClassName().substring( c.getClassName().lastIndexOf( '.' ) + 1 ) + "\")" ).collect( Collectors.toCollection( TreeSet::new ) );
		assertEquals( expected, new TreeSet<>( lines ) );
		show( "labels.tif" );
		assertNotNull( IJ.runPlugIn( MenuEntry.class.getName(), "TrackCommand" ) );
		final JDialog dialog = Screen.awaitWindow( JDialog.class, "Track cells" );
		press( dialog, "cancel" );
	}

	@Test
	void noImageOpen() throws Exception
	{
		assertTrue( WindowManager.getImageCount() == 0 );
		final CommandModule module = TMUtils.getContext().service( CommandService.class ).run( TrackCommand.class, true ).get();
		final Cancelable command = ( Cancelable ) module.getDelegateObject();
		assertTrue( command.isCanceled() );
		assertTrue( command.getCancelReason().startsWith( "No image is open." ) );
		assertNull( WindowManager.getCurrentImage() );
	}
}
