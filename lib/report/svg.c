/* SPDX-License-Identifier: Apache-2.0 */
/* A plan drawn to scale: the target as one bar, and a row for each piece of it. */
#include <inttypes.h>

#include "report/svg.h"

#define WIDTH      960
#define BAR_LEFT   20
#define BAR_WIDTH  (WIDTH - 2 * BAR_LEFT)
#define BAR_TOP    50
#define BAR_HEIGHT 48
#define ROW_HEIGHT 22

/* Colours that people with any colour vision tell apart (Okabe and Ito). */
static const char *const role_colours[ROLE_COUNT] = {"#56b4e9", "#e69f00", "#cc79a7"};

static const char *colour(const struct request *r)
{
	if (r->kind == REQUEST_VAULT)
		return "#009e73";
	return r->kind == REQUEST_KEEP ? "#999999" : role_colours[r->role];
}

static double scale(const struct plan *plan, uint64_t bytes)
{
	return plan->capacity_bytes ? (double)bytes * BAR_WIDTH / (double)plan->capacity_bytes : 0;
}

static void escape(const char *s, struct text *to)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			text_add(to, "&amp;");
			break;
		case '<':
			text_add(to, "&lt;");
			break;
		case '"':
			text_add(to, "&quot;");
			break;
		default:
			text_add(to, "%c", *s);
		}
	}
}

static void draw(const struct plan *plan, const struct request *r, size_t row, struct text *to)
{
	double x = BAR_LEFT + scale(plan, r->placed.offset_bytes);
	double width = scale(plan, r->placed.size_bytes);
	unsigned y = BAR_TOP + BAR_HEIGHT + 30 + (unsigned)row * ROW_HEIGHT;
	char size[SIZE_TEXT_SIZE];

	size_print(r->placed.size_bytes, size);
	text_add(to,
		 "<rect x=\"%.3f\" y=\"%d\" width=\"%.3f\" height=\"%d\" fill=\"%s\" "
		 "stroke=\"#ffffff\" stroke-width=\"0.5\"><title>",
		 x, BAR_TOP, width < 1 ? 1 : width, BAR_HEIGHT, colour(r));
	escape(r->what, to);
	text_add(
	    to,
	    "</title></rect>\n<rect x=\"%d\" y=\"%u\" width=\"12\" height=\"12\" fill=\"%s\"/>\n",
	    BAR_LEFT, y - 11, colour(r));
	text_add(to, "<text x=\"%d\" y=\"%u\">", BAR_LEFT + 20, y);
	escape(r->what, to);
	text_add(to,
		 "</text><text x=\"%d\" y=\"%u\" text-anchor=\"end\">%s</text>"
		 "<text x=\"%d\" y=\"%u\" text-anchor=\"end\">at %" PRIu64 "</text>\n",
		 WIDTH / 2 + 120, y, size, WIDTH - BAR_LEFT, y, r->placed.offset_bytes);
}

void svg_plan(const struct plan *plan, struct text *to)
{
	char size[SIZE_TEXT_SIZE];

	size_print(plan->capacity_bytes, size);
	text_add(to,
		 "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" "
		 "font-family=\"sans-serif\" font-size=\"13\">\n"
		 "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n"
		 "<text x=\"%d\" y=\"30\" font-size=\"16\">",
		 WIDTH, (size_t)(BAR_TOP + BAR_HEIGHT + 40) + plan->n_requests * ROW_HEIGHT,
		 BAR_LEFT);
	escape(plan->layout->device.name ? plan->layout->device.name : "target", to);
	text_add(to, ", %s</text>\n", size);
	text_add(to, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#eeeeee\"/>\n",
		 BAR_LEFT, BAR_TOP, BAR_WIDTH, BAR_HEIGHT);
	for (size_t i = 0; i < plan->n_requests; i++)
		draw(plan, &plan->requests[i], i, to);
	text_add(to, "</svg>\n");
}
