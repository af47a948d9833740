/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.awt.AWTException;
import java.awt.Component;
import java.awt.Container;
import java.awt.GraphicsEnvironment;
import java.awt.Rectangle;
import java.awt.Robot;
import java.awt.Toolkit;
import java.awt.Window;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

import javax.imageio.ImageIO;
import javax.swing.JButton;
import javax.swing.SwingUtilities;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Spot;

/**
 * What a user does at the screen: waits for windows, presses buttons, looks.
 */
final class Screen
{
	private static final long PATIENCE_MS = 120_000;

	private Screen()
	{}

	/** Skips a test where there is no screen. */
	static void assumeThereIsOne()
	{
		assumeFalse( GraphicsEnvironment.isHeadless(), "needs a screen: xvfb-run -a mvn verify" );
	}

	/** Waits until something is there. */
	static < T > T await( final String what, final Supplier< Optional< T > > look ) throws InterruptedException
	{
		final long end = System.currentTimeMillis() + PATIENCE_MS;
		while ( System.currentTimeMillis() < end )
		{
			final Optional< T > found = look.get();
			if ( found.isPresent() )
				return found.get();
			Thread.sleep( 100 );
		}
		throw new AssertionError( "Did not appear: " + what );
	}

	/** Waits for a visible window. */
	static < W extends Window > W awaitWindow( final Class< W > type, final String name ) throws InterruptedException
	{
		return await( type.getSimpleName() + " " + name, () -> Arrays.stream( Window.getWindows() ).filter( Window::isShowing ).filter( type::isInstance ).map( type::cast ).filter( w -> title( w ).startsWith( name ) ).findFirst() );
	}

	private static String title( final Window window )
	{
		if ( window instanceof java.awt.Dialog dialog )
			return String.valueOf( dialog.getTitle() );
		return window instanceof java.awt.Frame frame ? String.valueOf( frame.getTitle() ) : "";
	}

	/** Presses a button as soon as it can be pressed. */
	static void press( final Container in, final String text ) throws InterruptedException, InvocationTargetException
	{
		final JButton button = await( "button " + text, () -> buttons( in ).stream().filter( b -> text.equals( b.getText() ) || b.getAction() != null && text.equals( b.getAction().getValue( javax.swing.Action.NAME ) ) ).filter( b -> b.isShowing() && b.isEnabled() ).findFirst() );
		SwingUtilities.invokeAndWait( button::doClick );
	}

	private static List< JButton > buttons( final Container in )
	{
		final List< JButton > buttons = new ArrayList<>();
		for ( final Component component : in.getComponents() )
		{
			if ( component instanceof JButton button )
				buttons.add( button );
			if ( component instanceof Container container )
				buttons.addAll( buttons( container ) );
		}
		return buttons;
	}

	/** Finds a component by its name. */
	static Optional< Component > find( final Container in, final String name )
	{
		for ( final Component component : in.getComponents() )
		{
			if ( name.equals( component.getName() ) )
				return Optional.of( component );
			final Optional< Component > inside = component instanceof Container container ? find( container, name ) : Optional.empty();
			if ( inside.isPresent() )
				return inside;
		}
		return Optional.empty();
	}

	/** Whether a visible spot of a frame has its centre in a plane. */
	static boolean holdsAny( final Model model, final int frame, final double z, final double depth )
	{
		for ( final Spot spot : model.getSpots().iterable( frame, true ) )
			if ( Math.abs( spot.getFeature( Spot.POSITION_Z ) - z ) <= depth / 2 )
				return true;
		return false;
	}

	/** Keeps what the screen shows in target/screenshots, for people. */
	static void shoot( final String name ) throws IOException, InterruptedException
	{
		Thread.sleep( 500 );
		final File folder = new File( "target/screenshots" );
		assertTrue( folder.isDirectory() || folder.mkdirs() );
		try
		{
			ImageIO.write( new Robot().createScreenCapture( new Rectangle( Toolkit.getDefaultToolkit().getScreenSize() ) ), "png", new File( folder, name + ".png" ) );
		}
		catch ( final AWTException e )
		{
			throw new IOException( e );
		}
	}
}
