/* SPDX-License-Identifier: Apache-2.0 */
/* QR codes of secrets. The only caller of libqrencode. */
#ifndef HOLDFAST_REPORT_QR_H
#define HOLDFAST_REPORT_QR_H

#include "base/secret.h"

enum qr_form {
	/* Half blocks (UTF-8), two rows of modules a line; ink is dark: for paper. */
	QR_BLOCKS,
	/* The same with ANSI colours, light being drawn: scans on a terminal of any colour. */
	QR_BLOCKS_COLOURED,
	/* "##" for a dark module; ink is dark. At most 80 columns for 78 bytes of text. */
	QR_ASCII,
	/* Two spaces a module, with ANSI colours. */
	QR_ASCII_COLOURED,
	/* A complete SVG 1.1 document, a millimetre a module, with the text below. */
	QR_SVG,
};

/*
 * Draws @text with its quiet zone; for QR_SVG it must not have characters that XML would escape.
 * Error correction is L, the lowest, for terminals, and M for QR_SVG, which is to be printed.
 * @ret: the bytes to be written as they are, without NUL; the caller's. 0, or -ENOMEM or -ERANGE
 * (@text is too long: 2953 bytes, M: 2331) having spoken through diag.
 *
 * libqrencode's own working memory is freed without being wiped.
 */
int qr_draw(const struct secret *text, enum qr_form form, struct secret **ret);

#endif
