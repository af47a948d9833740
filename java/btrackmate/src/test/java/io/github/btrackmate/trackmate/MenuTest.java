package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Button;
import java.awt.Choice;
import java.awt.TextField;
import java.awt.Window;
import java.awt.event.ActionEvent;
import java.util.Arrays;
import java.util.List;

import javax.swing.JFrame;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.scijava.command.CommandService;
import org.scijava.object.ObjectService;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.util.TMUtils;
import ij.IJ;
import ij.ImageJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.gui.GenericDialog;
import ij.gui.MessageDialog;

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
		ij.setVisible( true );
	}

	@AfterEach
	void close()
	{
		if ( ij == null )
			return;
		for ( final int id : WindowManager.getIDList() == null ? new int[ 0 ] : WindowManager.getIDList() )
		{
			WindowManager.getImage( id ).changes = false;
			WindowManager.getImage( id ).close();
		}
		Arrays.stream( Window.getWindows() ).forEach( Window::dispose );
	}

	private static ImagePlus show( final String file )
	{
		final ImagePlus imp = IJ.openImage( ParityCase.file( file ).getPath() );
		imp.show();
		return imp;
	}

	private static GenericDialog openDialog() throws InterruptedException
	{
		TMUtils.getContext().service( CommandService.class ).run( TrackCommand.class, true );
		return Screen.awaitWindow( GenericDialog.class, "BTrackMate" );
	}

	private static void choose( final GenericDialog dialog, final int index, final String item )
	{
		final Choice choice = ( Choice ) dialog.getChoices().get( index );
		choice.select( item );
		assertEquals( item, choice.getSelectedItem() );
	}

	private static void type( final List< ? > fields, final int index, final Object text )
	{
		( ( TextField ) fields.get( index ) ).setText( String.valueOf( text ) );
	}

	private static void pressOk( final GenericDialog dialog )
	{
		final Button ok = dialog.getButtons()[ 0 ];
		new Thread( () -> dialog.actionPerformed( new ActionEvent( ok, ActionEvent.ACTION_PERFORMED, ok.getLabel() ) ) ).start();
	}

	/** Dialog and wizard give the spots, links and pruned spots of tests/parity. */
	@Test
	void wizardAgreesWithTheOtherRoutes() throws Exception
	{
		show( "mask.tif" );
		show( "labels.tif" );
		final ObjectService objects = TMUtils.getContext().service( ObjectService.class );
		final List< TrackMate > before = objects.getObjects( TrackMate.class );
		final GenericDialog dialog = openDialog();
		choose( dialog, 0, "labels.tif" );
		choose( dialog, 3, "mask.tif" );
		choose( dialog, 4, ParityCase.settings().get( "mask_policy" ).getAsString() );
		type( dialog.getNumericFields(), 2, ParityCase.distance() );
		type( dialog.getNumericFields(), 3, ParityCase.settings().get( "frame_gap" ).getAsInt() );
		type( dialog.getNumericFields(), 4, ParityCase.minimum() );
		Screen.shoot( "track-dialog" );
		pressOk( dialog );

		final JFrame wizard = Screen.awaitWindow( JFrame.class, "TrackMate on labels" );
		final TrackMate trackmate = objects.getObjects( TrackMate.class ).stream().filter( t -> !before.contains( t ) ).findFirst().orElseThrow();
		final Model model = trackmate.getModel();
		for ( int i = 0; i < MOST_PANELS && model.getTrackModel().nTracks( false ) == 0; i++ )
		{
			Screen.press( wizard, "Next" );
			// The panel slides in; then the button is off while TrackMate works.
			Thread.sleep( 2000 );
			if ( i == 2 )
				Screen.shoot( "detector-panel" );
		}
		Screen.press( wizard, "Next" );
		Thread.sleep( 2000 );
		Screen.press( wizard, "Next" );
		Thread.sleep( 2000 );
		Screen.shoot( "tracked" );
		ParityCase.check( model );
		wizard.dispose();
	}

	/** Images that do not fit are refused in a message, and no wizard opens. */
	@Test
	void maskOfOtherSizeIsRefused() throws Exception
	{
		show( "labels.tif" );
		final ImagePlus small = IJ.createImage( "small mask", "8-bit", 20, 30, 1 );
		small.show();
		final GenericDialog dialog = openDialog();
		choose( dialog, 0, "labels.tif" );
		choose( dialog, 3, "small mask" );
		pressOk( dialog );
		final MessageDialog message = Screen.awaitWindow( MessageDialog.class, "BTrackMate" );
		Screen.shoot( "mask-of-other-size" );
		message.dispose();
		assertFalse( Arrays.stream( Window.getWindows() ).anyMatch( w -> w.isShowing() && w instanceof JFrame f && f.getTitle().startsWith( "TrackMate on" ) ) );
	}

	@Test
	void noImageOpen() throws Exception
	{
		assertTrue( WindowManager.getImageCount() == 0 );
		final GenericDialog dialog = openDialog();
		pressOk( dialog );
		final MessageDialog message = Screen.awaitWindow( MessageDialog.class, "BTrackMate" );
		Screen.shoot( "no-image" );
		message.dispose();
	}
}
