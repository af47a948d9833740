/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.Component;
import java.awt.FlowLayout;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

import javax.swing.ButtonGroup;
import javax.swing.DefaultListCellRenderer;
import javax.swing.JButton;
import javax.swing.JCheckBox;
import javax.swing.JComboBox;
import javax.swing.JComponent;
import javax.swing.JFileChooser;
import javax.swing.JLabel;
import javax.swing.JList;
import javax.swing.JPanel;
import javax.swing.JRadioButton;
import javax.swing.JTextField;

import ij.IJ;
import ij.ImagePlus;
import ij.Prefs;
import ij.io.OpenDialog;
import io.github.btrackmate.schema.Units;
import io.github.btrackmate.trackmate.TrackInputs.Cells;
import io.github.btrackmate.trackmate.TrackInputs.Linking;
import io.github.btrackmate.trackmate.TrackInputs.TissueChoice;

/**
 * The fields of the dialog of Track…: three sections, with what does not apply
 * hidden. Open images come first; a file is opened when it is chosen.
 */
final class TrackFields
{
	/** Prefix of what is remembered; images and tables are not. */
	private static final String KEY = "btrackmate.track.";

	private final Form form = new Form();

	private final JComboBox< ImagePlus > image = images( false );

	private final JRadioButton fromLabels = new JRadioButton( "label image" );

	private final JRadioButton fromChannel = new JRadioButton( "channel of the image" );

	private final JRadioButton fromTable = new JRadioButton( "table (CSV)" );

	private final JComboBox< ImagePlus > labels = images( false );

	private final JTextField channel = new JTextField( "1", 4 );

	private final JTextField table = new JTextField( 18 );

	private final JComboBox< String > tableUnits = new JComboBox<>();

	private final JComboBox< String > tableTime = new JComboBox<>( new String[] { TrackletLength.FRAMES, TrackletLength.TIME } );

	private final JComboBox< ImagePlus > mask = images( true );

	private final JComboBox< String > policy = new JComboBox<>( TrackInputs.POLICIES );

	private final JTextField fraction = new JTextField( 6 );

	private final JTextField ids = new JTextField( 10 );

	private final JComboBox< String > tracker = new JComboBox<>( TrackInputs.TRACKERS );

	private final JTextField distance = new JTextField( 6 );

	private final JLabel distanceUnit = new JLabel();

	private final JTextField gap = new JTextField( 6 );

	private final JCheckBox splitting = new JCheckBox();

	private final JTextField minimum = new JTextField( 6 );

	private final JComboBox< String > minimumUnit = new JComboBox<>( new String[] { TrackletLength.FRAMES, TrackletLength.TIME } );

	private final Form.Row labelRow;

	private final Form.Row channelRow;

	private final Form.Row tableRow;

	private final Form.Row unitsRow;

	private final Form.Row timeRow;

	private final Form.Row policyRow;

	private final Form.Row fractionRow;

	private final Form.Row idsRow;

	private Runnable changed = () -> {};

	private boolean refreshing;

	/**
	 * Creates the fields, filled in with a guess and with what was used last.
	 *
	 * @param open
	 *            open images.
	 * @param guess
	 *            what they are.
	 * @param active
	 *            the image to track.
	 */
	TrackFields( final List< ImagePlus > open, final ImageGuess guess, final ImagePlus active )
	{
		form.heading( "Image" );
		form.row( "Image to track", "image", "The movie, calibrated; intensities are measured in all its channels", image, browse( image ) );
		form.heading( "Cells from" );
		final JPanel sources = new JPanel( new FlowLayout( FlowLayout.LEFT, 0, 0 ) );
		final ButtonGroup group = new ButtonGroup();
		for ( final JRadioButton button : List.of( fromLabels, fromChannel, fromTable ) )
		{
			group.add( button );
			sources.add( button );
			button.addActionListener( e -> update() );
		}
		fromLabels.setName( "fromLabels" );
		fromChannel.setName( "fromChannel" );
		fromTable.setName( "fromTable" );
		form.wide( sources );
		labelRow = form.row( "Label image", "labels", "Same size as the image: 0 is background, every other whole number a cell", labels, browse( labels ) );
		channelRow = form.row( "Label channel", "labelChannel", "Channel with the labels, from 1", channel, null );
		tableRow = form.row( "Table", "table", "One row a cell and frame, with a header: x, y, z, frame, …", table, browseTable() );
		unitsRow = form.row( "Positions are in", "tableUnits", "Physical units of the image, or pixels", tableUnits, null );
		timeRow = form.row( "Frames are", "tableTime", "What the column frame (or t) is: frames from 0, or a time. A time counts frames by the frame interval of the image, or else by the step that is found in the times", tableTime, null );
		form.heading( "Tissue" );
		form.row( "Tissue mask", "mask", "0 outside, else the tissue id; one plane or all, one frame or all. Cells outside are dropped, the others get their distance to the surface", mask, browse( mask ) );
		policyRow = form.row( "Cells to keep", "maskPolicy", "keep-touching: any voxel inside; centroid: its centre inside; fraction: enough of its voxels inside; clip: cut to the tissue" + initially( Defaults.MASK_POLICY ), policy, null );
		fractionRow = form.row( "Least fraction inside", "maskFraction", "Part of the voxels of a cell, above 0 and up to 1" + initially( Defaults.MASK_FRACTION ), fraction, new JLabel( "(0 to 1)" ) );
		idsRow = form.row( "Tissue ids", "tissues", "Ids of the tissues that count, with commas between them; empty: all", ids, new JLabel( "(empty: all)" ) );
		form.heading( "Tracking" );
		form.row( "Tracker", "tracker", "TrackMate's tracker; LAP suits most movies", tracker, null );
		form.row( "Linking distance", "linkingDistance", "Greatest distance of a cell from frame to frame, and over gaps and divisions; auto: from the steps and the spacing of the cells" + initially( Defaults.DISTANCE ), distance, distanceUnit );
		form.row( "Frame gap", "frameGap", "Greatest difference of frames over a gap; 1: no gap closing" + initially( Defaults.FRAME_GAP ), gap, new JLabel( "frames (1: none)" ) );
		form.row( "Cells divide", "splitting", "Whether tracks may split" + initially( Defaults.SPLITTING ? "yes" : "no" ), splitting, null );
		form.row( "Minimum tracklet length", "minTrackletLength", "Daughters that end sooner after a division are pruned; 0: off" + initially( Form.plain( Defaults.MIN_TRACKLET_LENGTH ) + " " + Defaults.MIN_TRACKLET_UNIT ), minimum, minimumUnit );
		minimumUnit.setName( "minTrackletUnit" );
		fillIn( open, guess, active );
		listen();
		update();
	}

	/** The dialog remembers what was used last, so that its help tells the default. */
	private static String initially( final Object value )
	{
		return ". Default: " + value;
	}

	private static JComboBox< ImagePlus > images( final boolean withNone )
	{
		final JComboBox< ImagePlus > box = new JComboBox<>();
		if ( withNone )
			box.addItem( null );
		box.setRenderer( new DefaultListCellRenderer()
		{
			private static final long serialVersionUID = 1L;

			@Override
			public Component getListCellRendererComponent( final JList< ? > list, final Object value, final int index, final boolean selected, final boolean focus )
			{
				return super.getListCellRendererComponent( list, value instanceof ImagePlus imp ? imp.getTitle() : withNone ? "(none)" : "(no image open)", index, selected, focus );
			}
		} );
		return box;
	}

	private void fillIn( final List< ImagePlus > open, final ImageGuess guess, final ImagePlus active )
	{
		refresh( open );
		image.setSelectedItem( active );
		final Optional< ImagePlus > likelyLabels = guess.labels( active );
		final Optional< Integer > likelyChannel = guess.labelChannel( active );
		likelyLabels.ifPresent( labels::setSelectedItem );
		likelyChannel.ifPresent( c -> channel.setText( String.valueOf( c ) ) );
		mask.setSelectedItem( guess.mask( active, likelyLabels.orElse( null ) ).orElse( null ) );
		( likelyLabels.isPresent() || likelyChannel.isEmpty() && open.size() > 1 ? fromLabels : fromChannel ).setSelected( true );
		policy.setSelectedItem( Prefs.get( KEY + "policy", Defaults.MASK_POLICY ) );
		fraction.setText( Prefs.get( KEY + "fraction", String.valueOf( Defaults.MASK_FRACTION ) ) );
		tracker.setSelectedItem( Prefs.get( KEY + "tracker", TrackInputs.TRACKERS[ 0 ] ) );
		distance.setText( Prefs.get( KEY + "distance", Defaults.DISTANCE ) );
		gap.setText( Prefs.get( KEY + "gap", String.valueOf( Defaults.FRAME_GAP ) ) );
		splitting.setSelected( Prefs.get( KEY + "splitting", Defaults.SPLITTING ) );
		minimum.setText( Prefs.get( KEY + "minimum", Form.plain( Defaults.MIN_TRACKLET_LENGTH ) ) );
		minimumUnit.setSelectedItem( Prefs.get( KEY + "minimumUnit", Defaults.MIN_TRACKLET_UNIT ) );
	}

	/** Keeps what was chosen for the next time. */
	void remember()
	{
		Prefs.set( KEY + "policy", String.valueOf( policy.getSelectedItem() ) );
		Prefs.set( KEY + "fraction", fraction.getText().strip() );
		Prefs.set( KEY + "tracker", String.valueOf( tracker.getSelectedItem() ) );
		Prefs.set( KEY + "distance", distance.getText().strip() );
		Prefs.set( KEY + "gap", gap.getText().strip() );
		Prefs.set( KEY + "splitting", splitting.isSelected() );
		Prefs.set( KEY + "minimum", minimum.getText().strip() );
		Prefs.set( KEY + "minimumUnit", String.valueOf( minimumUnit.getSelectedItem() ) );
	}

	private void listen()
	{
		for ( final JComboBox< ? > box : List.of( image, labels, mask, policy ) )
			box.addActionListener( e -> update() );
		for ( final JTextField field : List.of( channel, fraction, ids ) )
			Form.onTyping( field, () -> changed.run() );
	}

	Form form()
	{
		return form;
	}

	void onChange( final Runnable listener )
	{
		changed = listener;
	}

	/** Shows the rows that apply, and the units of the image. */
	private void update()
	{
		if ( refreshing )
			return;
		final boolean several = labels.getSelectedItem() instanceof ImagePlus imp && imp.getNChannels() > 1;
		labelRow.setVisible( fromLabels.isSelected() );
		channelRow.setVisible( fromChannel.isSelected() && image() != null && image().getNChannels() > 1 || fromLabels.isSelected() && several );
		tableRow.setVisible( isTable() );
		unitsRow.setVisible( isTable() );
		timeRow.setVisible( isTable() );
		final boolean masked = mask.getSelectedItem() != null;
		policyRow.setVisible( masked && !isTable() );
		fractionRow.setVisible( masked && !isTable() && "fraction".equals( policy.getSelectedItem() ) );
		idsRow.setVisible( masked );
		if ( image() != null )
		{
			final String space = Units.space( image().getCalibration().getUnit() );
			distanceUnit.setText( space );
			setUnits( tableUnits, space, "pixels" );
			setUnits( minimumUnit, TrackletLength.FRAMES, Units.time( image().getCalibration().getTimeUnit() ) );
		}
		changed.run();
	}

	private static void setUnits( final JComboBox< String > box, final String first, final String second )
	{
		final int selected = Math.max( 0, box.getSelectedIndex() );
		box.removeAllItems();
		box.addItem( first );
		box.addItem( second );
		box.setSelectedIndex( selected );
	}

	/** Takes images that were opened, and leaves out those that were closed. */
	void refresh( final List< ImagePlus > open )
	{
		refreshing = true;
		for ( final JComboBox< ImagePlus > box : List.of( image, labels, mask ) )
		{
			final Object selected = box.getSelectedItem();
			final List< ImagePlus > items = new ArrayList<>( open );
			if ( box == mask )
				items.add( 0, null );
			box.removeAllItems();
			items.forEach( box::addItem );
			if ( selected == null ? box == mask : items.contains( selected ) )
				box.setSelectedItem( selected );
		}
		refreshing = false;
		update();
	}

	private JButton browse( final JComboBox< ImagePlus > box )
	{
		final JButton button = new JButton( "Open…" );
		button.setToolTipText( "Opens a file, and takes it" );
		button.addActionListener( e -> choose( button ).ifPresent( file -> {
			final ImagePlus imp = IJ.openImage( file.getPath() );
			if ( imp == null )
			{
				IJ.error( "BTrackMate", "ImageJ cannot open\n'" + file + "'.\nOpen it by hand (File > Import)." );
				return;
			}
			imp.show();
			refresh( Images.open() );
			box.setSelectedItem( imp );
		} ) );
		return button;
	}

	private JButton browseTable()
	{
		final JButton button = new JButton( "Browse…" );
		button.addActionListener( e -> choose( button ).ifPresent( file -> table.setText( file.getPath() ) ) );
		return button;
	}

	private static Optional< File > choose( final JComponent parent )
	{
		final JFileChooser chooser = new JFileChooser( Objects.requireNonNullElse( OpenDialog.getLastDirectory(), "" ) );
		if ( chooser.showOpenDialog( parent ) != JFileChooser.APPROVE_OPTION )
			return Optional.empty();
		OpenDialog.setLastDirectory( chooser.getSelectedFile().getParent() );
		return Optional.of( chooser.getSelectedFile() );
	}

	/** The image to track; null if none is open. */
	ImagePlus image()
	{
		return ( ImagePlus ) image.getSelectedItem();
	}

	boolean isTable()
	{
		return fromTable.isSelected();
	}

	/**
	 * Reads all fields.
	 *
	 * @return what was chosen; numbers are numbers, but nothing else is checked.
	 * @throws IllegalArgumentException
	 *             if a number is none; for the user.
	 */
	TrackInputs inputs()
	{
		final Linking linking = new Linking( text( tracker ), Linking.parseDistance( distance.getText() ), Form.wholeNumber( gap, "Frame gap" ), splitting.isSelected(), Form.number( minimum, "Minimum tracklet length" ), minimumUnit.getSelectedIndex() == 1 ? TrackletLength.TIME : TrackletLength.FRAMES );
		return new TrackInputs( cells(), tissue(), linking );
	}

	/** Cells and tissue; nothing if they cannot be read yet. */
	Optional< TrackInputs > inputsForPreview()
	{
		try
		{
			return Optional.of( new TrackInputs( cells(), tissue(), null ) );
		}
		catch ( final IllegalArgumentException e )
		{
			return Optional.empty();
		}
	}

	private Cells cells()
	{
		if ( isTable() )
		{
			final String units = tableUnits.getSelectedIndex() == 1 ? CsvDetectorFactory.PIXELS : CsvDetectorFactory.PHYSICAL;
			if ( table.getText().isBlank() )
				throw new IllegalArgumentException( "No table was chosen; give its file, or take the cells from a label image." );
			return new Cells( "", 1, table.getText().strip(), units, text( tableTime ) );
		}
		final int number = Form.wholeNumber( channel, "Label channel" );
		if ( fromChannel.isSelected() )
			return Cells.ofLabels( "", number );
		final ImagePlus imp = ( ImagePlus ) labels.getSelectedItem();
		if ( imp == null )
			throw new IllegalArgumentException( "No label image was chosen; open it, or take the cells from a channel or a table." );
		return Cells.ofLabels( Images.nameOf( imp ), imp.getNChannels() > 1 ? number : 1 );
	}

	private TissueChoice tissue()
	{
		final ImagePlus imp = ( ImagePlus ) mask.getSelectedItem();
		if ( imp == null )
			return TissueChoice.NONE;
		final double least = "fraction".equals( policy.getSelectedItem() ) ? Form.number( fraction, "Least fraction inside" ) : TissueChoice.NONE.fraction();
		return new TissueChoice( Images.nameOf( imp ), text( policy ), least, ids.getText().strip() );
	}

	private static String text( final JComboBox< String > box )
	{
		return String.valueOf( box.getSelectedItem() );
	}
}
