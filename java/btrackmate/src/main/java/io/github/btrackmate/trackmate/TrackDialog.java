/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.BorderLayout;
import java.awt.Color;
import java.awt.FlowLayout;
import java.awt.event.WindowAdapter;
import java.awt.event.WindowEvent;
import java.lang.reflect.InvocationTargetException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import javax.swing.BorderFactory;
import javax.swing.JButton;
import javax.swing.JCheckBox;
import javax.swing.JDialog;
import javax.swing.JLabel;
import javax.swing.JOptionPane;
import javax.swing.JPanel;
import javax.swing.SwingUtilities;
import javax.swing.WindowConstants;

import fiji.plugin.trackmate.gui.GuiUtils;
import ij.IJ;
import ij.ImageListener;
import ij.ImagePlus;
import ij.WindowManager;

/**
 * The dialog of Track…. It stays open while the user scrolls through the image,
 * shows what the choice gives, and closes only when all of it is right.
 */
final class TrackDialog
{
	/** What was chosen, checked. */
	record Answer( ImagePlus image, TrackInputs inputs )
	{}

	private static final String TITLE = "Track cells (BTrackMate)";

	private final TrackFields fields;

	private final JDialog dialog = new JDialog( IJ.getInstance(), TITLE, false );

	private final JCheckBox preview = new JCheckBox( "Show the cells on the image" );

	private final JLabel count = new JLabel( " " );

	private final JLabel message = new JLabel( " " );

	private final JButton ok = new JButton( "OK" );

	private final CountDownLatch closed = new CountDownLatch( 1 );

	/** Previews and checks, one after the other. */
	private final ExecutorService worker = Executors.newSingleThreadExecutor();

	private CellPreview shown;

	/** The slice that cells were shown in last. */
	private int slice;

	private volatile Answer answer;

	private final ImageListener listener = new ImageListener()
	{
		@Override
		public void imageOpened( final ImagePlus imp )
		{
			SwingUtilities.invokeLater( () -> fields.refresh( Images.open() ) );
		}

		@Override
		public void imageClosed( final ImagePlus imp )
		{
			SwingUtilities.invokeLater( () -> fields.refresh( Images.open() ) );
		}

		@Override
		public void imageUpdated( final ImagePlus imp )
		{
			// Also when another plane or frame is shown, which counts, and for each drawing, which does not.
			SwingUtilities.invokeLater( () -> {
				if ( imp == fields.image() && imp.getCurrentSlice() != slice )
					showCells();
			} );
		}
	};

	private TrackDialog( final TrackFields fields )
	{
		this.fields = fields;
		preview.setName( "preview" );
		count.setName( "count" );
		message.setName( "message" );
		message.setForeground( Color.RED.darker() );
		ok.setName( "ok" );
		final JButton cancel = new JButton( "Cancel" );
		cancel.setName( "cancel" );
		final JButton help = new JButton( "Help" );
		ok.addActionListener( e -> check() );
		cancel.addActionListener( e -> close() );
		help.addActionListener( e -> About.openHelp() );
		preview.addActionListener( e -> showCells() );
		fields.onChange( this::changed );

		fields.form().wide( preview );
		fields.form().wide( count );
		final JPanel buttons = new JPanel( new FlowLayout( FlowLayout.RIGHT ) );
		buttons.add( help );
		buttons.add( ok );
		buttons.add( cancel );
		final JPanel south = new JPanel( new BorderLayout() );
		message.setBorder( BorderFactory.createEmptyBorder( 0, 12, 0, 12 ) );
		south.add( message, BorderLayout.NORTH );
		south.add( buttons, BorderLayout.SOUTH );
		dialog.add( fields.form().panel(), BorderLayout.CENTER );
		dialog.add( south, BorderLayout.SOUTH );
		dialog.getRootPane().setDefaultButton( ok );
		dialog.setDefaultCloseOperation( WindowConstants.DO_NOTHING_ON_CLOSE );
		dialog.addWindowListener( new WindowAdapter()
		{
			@Override
			public void windowClosing( final WindowEvent e )
			{
				close();
			}
		} );
	}

	/**
	 * Shows the dialog and waits for the answer.
	 *
	 * @return what was chosen, or nothing if cancelled.
	 * @throws IllegalArgumentException
	 *             if no image is open; for the user.
	 */
	static Optional< Answer > ask()
	{
		final List< ImagePlus > open = Images.open();
		if ( open.isEmpty() )
			throw new IllegalArgumentException( Images.NONE_OPEN );
		final ImageGuess guess = new ImageGuess( open );
		final ImagePlus image = guess.image( WindowManager.getCurrentImage() );
		try
		{
			final TrackDialog[] made = new TrackDialog[ 1 ];
			SwingUtilities.invokeAndWait( () -> {
				made[ 0 ] = new TrackDialog( new TrackFields( open, guess, image ) );
				made[ 0 ].show();
			} );
			made[ 0 ].closed.await();
			return Optional.ofNullable( made[ 0 ].answer );
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
			return Optional.empty();
		}
		catch ( final InvocationTargetException e )
		{
			throw new IllegalStateException( e.getCause() );
		}
	}

	private void show()
	{
		ImagePlus.addImageListener( listener );
		preview.setSelected( !fields.isTable() );
		changed();
		GuiUtils.positionWindow( dialog, fields.image().getWindow() );
		dialog.setVisible( true );
	}

	private void close()
	{
		ImagePlus.removeImageListener( listener );
		worker.submit( () -> hide( shown ) );
		worker.shutdown();
		dialog.dispose();
		closed.countDown();
	}

	private void changed()
	{
		preview.setEnabled( !fields.isTable() );
		say( " " );
		dialog.pack();
		showCells();
	}

	private void say( final String text )
	{
		message.setText( text.isBlank() ? " " : "<html><div style='width:280px'>" + text.strip().replace( "&", "&amp;" ).replace( "<", "&lt;" ).replace( "\n", "<br>" ) + "</div></html>" );
		dialog.pack();
	}

	private static void hide( final CellPreview old )
	{
		if ( old != null )
			old.clear();
	}

	/** Draws on the image, or takes the drawing away. */
	private void showCells()
	{
		final boolean wanted = preview.isSelected() && !fields.isTable() && fields.image() != null;
		final ImagePlus imp = fields.image();
		slice = imp == null ? 0 : imp.getCurrentSlice();
		final Optional< TrackInputs > inputs = wanted ? fields.inputsForPreview() : Optional.empty();
		if ( worker.isShutdown() )
			return;
		worker.submit( () -> {
			String text = " ";
			try
			{
				if ( shown != null && ( !wanted || !shown.isOn( imp ) ) )
				{
					shown.clear();
					shown = null;
				}
				if ( inputs.isPresent() )
				{
					shown = shown == null ? new CellPreview( imp ) : shown;
					text = shown.show( inputs.get() );
				}
			}
			catch ( final IllegalArgumentException e )
			{
				hide( shown );
				text = "—";
			}
			final String said = text;
			SwingUtilities.invokeLater( () -> count.setText( said ) );
		} );
	}

	/** Closes if all is right; else says what is not. */
	private void check()
	{
		final ImagePlus imp = fields.image();
		final TrackInputs inputs;
		try
		{
			if ( imp == null )
				throw new IllegalArgumentException( Images.NONE_OPEN );
			inputs = fields.inputs();
		}
		catch ( final IllegalArgumentException e )
		{
			say( e.getMessage() );
			return;
		}
		ok.setEnabled( false );
		say( "Checking…" );
		worker.submit( () -> {
			String fault = "";
			List< String > warnings = List.of();
			try
			{
				warnings = inputs.check( inputs.open( imp ) );
			}
			catch ( final IllegalArgumentException e )
			{
				fault = e.getMessage();
			}
			final String said = fault;
			final List< String > doubts = warnings;
			SwingUtilities.invokeLater( () -> decide( new Answer( imp, inputs ), said, doubts ) );
		} );
	}

	private void decide( final Answer chosen, final String fault, final List< String > warnings )
	{
		ok.setEnabled( true );
		say( fault );
		if ( !fault.isEmpty() )
			return;
		if ( !warnings.isEmpty() )
		{
			final Object[] buttons = { "Go on", "Back" };
			final String text = String.join( "\n", warnings ).replaceAll( "(.{70,90}?) ", "$1\n" );
			if ( JOptionPane.showOptionDialog( dialog, text, TITLE, JOptionPane.DEFAULT_OPTION, JOptionPane.WARNING_MESSAGE, null, buttons, buttons[ 1 ] ) != 0 )
				return;
		}
		fields.remember();
		answer = chosen;
		close();
	}
}
