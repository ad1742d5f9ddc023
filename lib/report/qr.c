/* SPDX-License-Identifier: Apache-2.0 */
/* QR codes of secrets: drawn twice, once to learn how long the drawing is, because a secret cannot
 * grow. */
#include <errno.h>
#include <qrencode.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "report/qr.h"

#define QUIET       4  /* modules around the symbol, ISO/IEC 18004 */
#define QUIET_ASCII 3  /* so that 33 modules, a recovery key, fit into 80 columns */
#define SVG_LINE    27 /* characters: three groups of a recovery key and their dashes */

/* Counts only while @at is NULL. */
struct pen {
	uint8_t *at;
	size_t len;
};

static void put_bytes(struct pen *p, const void *bytes, size_t len)
{
	if (p->at)
		memcpy(p->at + p->len, bytes, len);
	p->len += len;
}

static void put(struct pen *p, const char *s)
{
	put_bytes(p, s, strlen(s));
}

static void put_number(struct pen *p, unsigned n)
{
	if (n >= 10)
		put_number(p, n / 10);
	put_bytes(p, &"0123456789"[n % 10], 1);
}

/* The quiet zone is light. */
static bool is_dark(const QRcode *code, int x, int y)
{
	return x >= 0 && y >= 0 && x < code->width && y < code->width &&
	       code->data[y * code->width + x] & 1;
}

/* Coloured like systemd's (src/shared/qrcode-util.c): bright white on black. */
static void draw_blocks(const QRcode *code, bool coloured, struct pen *p)
{
	static const char *const inks[] = {" ", "▄", "▀", "█"};

	for (int y = -QUIET; y < code->width + QUIET; y += 2) {
		put(p, coloured ? "\033[37;40;1m" : "");
		for (int x = -QUIET; x < code->width + QUIET; x++) {
			bool top = is_dark(code, x, y) != coloured;
			bool bottom = is_dark(code, x, y + 1) != coloured;

			put(p, inks[2 * top + bottom]);
		}
		put(p, coloured ? "\033[0m\n" : "\n");
	}
}

static void draw_ascii(const QRcode *code, bool coloured, struct pen *p)
{
	const int from = -QUIET_ASCII, to = code->width + QUIET_ASCII;

	for (int y = from; y < to; y++) {
		for (int x = from; x < to; x++) {
			bool dark = is_dark(code, x, y);
			bool changes = x == from || dark != is_dark(code, x - 1, y);

			if (coloured && changes)
				put(p, dark ? "\033[40m" : "\033[47m");
			put(p, dark && !coloured ? "##" : "  ");
		}
		put(p, coloured ? "\033[0m\n" : "\n");
	}
}

/* A rectangle for each run of dark modules. */
static void svg_modules(const QRcode *code, struct pen *p)
{
	for (int y = 0; y < code->width; y++) {
		for (int x = 0, end; x < code->width; x = end) {
			for (end = x + 1; is_dark(code, x, y) && is_dark(code, end, y); end++)
				;
			if (!is_dark(code, x, y))
				continue;
			put(p, "M");
			put_number(p, (unsigned)(x + QUIET));
			put(p, " ");
			put_number(p, (unsigned)(y + QUIET));
			put(p, "h");
			put_number(p, (unsigned)(end - x));
			put(p, "v1H");
			put_number(p, (unsigned)(x + QUIET));
			put(p, "z");
		}
	}
}

/* As wide as the symbol, whatever the font is. */
static void svg_text(const struct secret *text, unsigned width, struct pen *p)
{
	size_t len = secret_len(text);

	for (size_t at = 0; at < len; at += SVG_LINE) {
		size_t n = len - at < SVG_LINE ? len - at : SVG_LINE;

		put(p, "<text x=\"4\" y=\"");
		put_number(p, width + 2 * QUIET + 2 + 3 * (unsigned)(at / SVG_LINE));
		put(p, "\" textLength=\"");
		put_number(p, width * (unsigned)n / SVG_LINE);
		put(p, "\">");
		put_bytes(p, secret_bytes(text) + at, n);
		put(p, "</text>\n");
	}
}

static void draw_svg(const QRcode *code, const struct secret *text, struct pen *p)
{
	unsigned width = (unsigned)code->width + 2 * QUIET;
	unsigned lines = (unsigned)(secret_len(text) + SVG_LINE - 1) / SVG_LINE;
	unsigned height = width + 3 * lines;

	put(p, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"");
	put_number(p, width);
	put(p, "mm\" height=\"");
	put_number(p, height);
	put(p, "mm\" viewBox=\"0 0 ");
	put_number(p, width);
	put(p, " ");
	put_number(p, height);
	put(p, "\" font-family=\"monospace\" font-size=\"2.2\">\n"
	       "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
	       "<path shape-rendering=\"crispEdges\" d=\"");
	svg_modules(code, p);
	put(p, "\"/>\n");
	svg_text(text, (unsigned)code->width, p);
	put(p, "</svg>\n");
}

static void draw(const QRcode *code, const struct secret *text, enum qr_form form, struct pen *p)
{
	if (form == QR_SVG)
		draw_svg(code, text, p);
	else if (form == QR_ASCII || form == QR_ASCII_COLOURED)
		draw_ascii(code, form == QR_ASCII_COLOURED, p);
	else
		draw_blocks(code, form == QR_BLOCKS_COLOURED, p);
}

static void wipe_code(QRcode **code)
{
	if (!*code)
		return;
	explicit_bzero((*code)->data, (size_t)(*code)->width * (size_t)(*code)->width);
	QRcode_free(*code);
}

int qr_draw(const struct secret *text, enum qr_form form, struct secret **ret)
{
	const QRecLevel level = form == QR_SVG ? QR_ECLEVEL_M : QR_ECLEVEL_L;
	__attribute__((cleanup(wipe_code))) QRcode *code =
	    QRcode_encodeData((int)secret_len(text), secret_bytes(text), 0, level);
	struct pen counting = {0}, pen = {0};
	_cleanup_secret_ struct secret *drawing = NULL;
	int r;

	if (!code && errno == ENOMEM)
		return diag_no_memory();
	if (!code)
		return diag_fail(DIAG_INTERNAL, ERANGE, "%zu bytes do not fit into a QR code",
				 secret_len(text));
	draw(code, text, form, &counting);
	r = secret_new(counting.len, &drawing);
	if (r < 0)
		return r;
	pen.at = secret_bytes(drawing);
	draw(code, text, form, &pen);
	*ret = TAKE(drawing);
	return 0;
}
