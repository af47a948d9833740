/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

import org.jdom2.Element;
import org.scijava.event.EventHandler;
import org.scijava.object.event.ObjectsAddedEvent;
import org.scijava.plugin.Plugin;
import org.scijava.service.AbstractService;
import org.scijava.service.Service;

import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.TrackMatePlugIn;
import fiji.plugin.trackmate.detection.SpotDetectorFactoryBase;
import fiji.plugin.trackmate.providers.DetectorProvider;
import fiji.plugin.trackmate.providers.TrackerProvider;
import fiji.plugin.trackmate.tracking.SpotTrackerFactory;
import ij.IJ;
import net.imagej.ImageJService;

/**
 * Takes over the settings of a file that the Python package wrote, when TrackMate
 * opens it. Such a file names TrackMate's own detector and tracker, so that it
 * opens where BTrackMate is not installed; those of BTrackMate, with pruning,
 * stand in an element that TrackMate passes over. (Fiji starts the services that
 * are marked as ImageJ's.)
 */
@Plugin( type = Service.class )
public final class FileSettingsService extends AbstractService implements ImageJService
{
	private static final String ELEMENT = "BTrackMatePlugin";

	private static final String MANUAL = "MANUAL_DETECTOR";

	private static final String PRUNED = "BTRACKMATE_PRUNED_";

	/** TrackMate announces itself before it shows the wizard of a file. */
	@EventHandler
	void onEvent( final ObjectsAddedEvent event )
	{
		final File file = TrackMatePlugIn.lastLoadedFile;
		if ( file != null )
			event.getItems().stream().filter( TrackMate.class::isInstance ).map( TrackMate.class::cast ).map( TrackMate::getSettings ).filter( s -> s != null ).forEach( s -> restore( s, file ) );
	}

	/**
	 * Sets detector and tracker to those that a file names for the plugin.
	 *
	 * @param settings
	 *            as TrackMate read them; changed.
	 * @param file
	 *            the file.
	 */
	static void restore( final Settings settings, final File file )
	{
		try
		{
			final Optional< Element > found = find( file );
			if ( found.isEmpty() )
				return;
			restoreDetector( settings, found.get().getChild( "DetectorSettings" ) );
			restoreTracker( settings, found.get().getChild( "TrackerSettings" ) );
		}
		catch ( final IOException | XMLStreamException e )
		{
			IJ.log( "BTrackMate: the settings in '" + file + "' cannot be read: " + e.getMessage() );
		}
	}

	private static void restoreDetector( final Settings settings, final Element element )
	{
		if ( element == null || settings.detectorFactory == null || !MANUAL.equals( settings.detectorFactory.getKey() ) )
			return;
		final SpotDetectorFactoryBase< ? > detector = new DetectorProvider().getFactory( element.getAttributeValue( "DETECTOR_NAME" ) );
		final Map< String, Object > values = new HashMap<>();
		if ( detector == null || isFault( detector.unmarshal( element, values ) ) )
			return;
		settings.detectorFactory = detector;
		settings.detectorSettings = values;
	}

	private static void restoreTracker( final Settings settings, final Element element )
	{
		if ( element == null || settings.trackerFactory == null || !( PRUNED + settings.trackerFactory.getKey() ).equals( element.getAttributeValue( "TRACKER_NAME" ) ) )
			return;
		final SpotTrackerFactory tracker = new TrackerProvider().getFactory( element.getAttributeValue( "TRACKER_NAME" ) );
		final Map< String, Object > values = new HashMap<>();
		if ( tracker == null || isFault( tracker.unmarshal( element, values ) ) )
			return;
		settings.trackerFactory = tracker;
		settings.trackerSettings = values;
	}

	private static boolean isFault( final String fault )
	{
		if ( fault != null )
			IJ.log( "BTrackMate: " + fault.strip() );
		return fault != null;
	}

	/** Reads the element alone: the file may be large. */
	private static Optional< Element > find( final File file ) throws IOException, XMLStreamException
	{
		final XMLInputFactory factory = XMLInputFactory.newFactory();
		factory.setProperty( XMLInputFactory.SUPPORT_DTD, false );
		try (InputStream stream = Files.newInputStream( file.toPath() ))
		{
			final XMLStreamReader reader = factory.createXMLStreamReader( stream );
			while ( reader.hasNext() )
				if ( reader.next() == XMLStreamConstants.START_ELEMENT && ELEMENT.equals( reader.getLocalName() ) )
					return Optional.of( read( reader ) );
			return Optional.empty();
		}
	}

	/** Reads the element that a reader is at, up to its end. */
	private static Element read( final XMLStreamReader reader ) throws XMLStreamException
	{
		final Element element = new Element( reader.getLocalName() );
		for ( int i = 0; i < reader.getAttributeCount(); i++ )
			element.setAttribute( reader.getAttributeLocalName( i ), reader.getAttributeValue( i ) );
		for ( int event = reader.next(); event != XMLStreamConstants.END_ELEMENT; event = reader.next() )
			if ( event == XMLStreamConstants.START_ELEMENT )
				element.addContent( read( reader ) );
		return element;
	}
}
