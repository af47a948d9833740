/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.Component;
import java.awt.Font;
import java.awt.GridBagConstraints;
import java.awt.GridBagLayout;
import java.awt.Insets;

import javax.swing.BorderFactory;
import javax.swing.JComponent;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JTextField;
import javax.swing.event.DocumentEvent;
import javax.swing.event.DocumentListener;

/**
 * Rows of label, field and unit or button, under headings. A row can be hidden.
 */
final class Form
{
	/** One row. */
	final class Row
	{
		private final JComponent[] parts;

		private Row( final JComponent... parts )
		{
			this.parts = parts;
		}

		void setVisible( final boolean visible )
		{
			for ( final JComponent part : parts )
				part.setVisible( visible );
		}
	}

	private final JPanel panel = new JPanel( new GridBagLayout() );

	private int rows;

	Form()
	{
		panel.setBorder( BorderFactory.createEmptyBorder( 8, 12, 8, 12 ) );
	}

	JPanel panel()
	{
		return panel;
	}

	void heading( final String text )
	{
		final JLabel label = new JLabel( text );
		label.setFont( label.getFont().deriveFont( Font.BOLD ) );
		add( label, 0, 3, GridBagConstraints.HORIZONTAL, rows == 0 ? 0 : 10 );
		rows++;
	}

	/**
	 * Adds a row.
	 *
	 * @param text
	 *            what the field is.
	 * @param name
	 *            name of the field, for macros and tests.
	 * @param help
	 *            shown when the mouse rests on it.
	 * @param field
	 *            the field.
	 * @param after
	 *            unit or button behind it; may be {@code null}.
	 * @return the row.
	 */
	Row row( final String text, final String name, final String help, final JComponent field, final JComponent after )
	{
		final JLabel label = new JLabel( text );
		label.setLabelFor( field );
		label.setToolTipText( help );
		field.setToolTipText( help );
		field.setName( name );
		add( label, 0, 1, GridBagConstraints.NONE, 2 );
		add( field, 1, 1, GridBagConstraints.HORIZONTAL, 2 );
		if ( after != null )
			add( after, 2, 1, GridBagConstraints.NONE, 2 );
		rows++;
		return after == null ? new Row( label, field ) : new Row( label, field, after );
	}

	/** Adds a component as wide as the form. */
	void wide( final JComponent component )
	{
		add( component, 0, 3, GridBagConstraints.HORIZONTAL, 4 );
		rows++;
	}

	private void add( final Component component, final int column, final int width, final int fill, final int above )
	{
		final GridBagConstraints c = new GridBagConstraints();
		c.gridx = column;
		c.gridy = rows;
		c.gridwidth = width;
		c.fill = fill;
		c.weightx = column == 1 || width == 3 ? 1 : 0;
		c.anchor = column == 0 && width == 1 ? GridBagConstraints.LINE_END : GridBagConstraints.LINE_START;
		c.insets = new Insets( above, column == 0 ? 0 : 6, 0, 0 );
		panel.add( component, c );
	}

	/** Runs something at each change of a text. */
	static void onTyping( final JTextField field, final Runnable change )
	{
		field.getDocument().addDocumentListener( new DocumentListener()
		{
			@Override
			public void insertUpdate( final DocumentEvent e )
			{
				change.run();
			}

			@Override
			public void removeUpdate( final DocumentEvent e )
			{
				change.run();
			}

			@Override
			public void changedUpdate( final DocumentEvent e )
			{
				change.run();
			}
		} );
	}

	/** A number as people write it, 3 and not 3.0. */
	static String plain( final double value )
	{
		return value == Math.rint( value ) && Math.abs( value ) < 1e9 ? String.valueOf( ( long ) value ) : String.valueOf( value );
	}

	/**
	 * Reads a number.
	 *
	 * @param field
	 *            a field.
	 * @param what
	 *            what it is, in messages.
	 * @return the number.
	 * @throws IllegalArgumentException
	 *             if it is none; for the user.
	 */
	static double number( final JTextField field, final String what )
	{
		final String text = field.getText().strip();
		try
		{
			final double value = Double.parseDouble( text );
			if ( Double.isFinite( value ) )
				return value;
		}
		catch ( final NumberFormatException e )
		{
			// The message below says it.
		}
		throw new IllegalArgumentException( what + " is '" + text + "'; a number was expected, such as 12.5." );
	}

	/** Reads a whole number. */
	static int wholeNumber( final JTextField field, final String what )
	{
		final double value = number( field, what );
		if ( value != Math.rint( value ) || Math.abs( value ) > Integer.MAX_VALUE )
			throw new IllegalArgumentException( what + " is '" + field.getText().strip() + "'; a whole number was expected." );
		return ( int ) value;
	}
}
