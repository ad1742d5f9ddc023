/* SPDX-License-Identifier: Apache-2.0 */
/* The options of backend trusted. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "keystore/trusted/options.h"

enum { SOURCE_TPM }; /* index in source_words */

static const char *const source_words[] = {"tpm", "tee", "caam", "dcp", NULL};

const struct option_spec trusted_options[] = {
    [TRUSTED_SOURCE] = {"source", OPTION_WORD, "tpm", .words = source_words,
			.help =
			    "What seals the kernel's trusted keys, as trusted.source= says on its "
			    "command line"},
    [TRUSTED_KEYHANDLE] = {"keyhandle", OPTION_TEXT, "0x81000001", .max = 10,
			   .help = "Source tpm: the persistent storage key that seals"},
    [TRUSTED_OPTIONS] = {"options", OPTION_TEXT, .max = 200,
			 .help =
			     "More of the kernel's options for a new trusted key: \"hash=sha256 "
			     "policydigest=…\""},
    [TRUSTED_LOAD_OPTIONS] =
	{"load-options", OPTION_TEXT, .max = 200,
	 .help = "The kernel's options for loading it: \"policyhandle=0x03000000\", a "
		 "policy session that was left open in the TPM"},
    {0},
};

bool trusted_is_tpm(const struct keystore *k)
{
	return k->values[TRUSTED_SOURCE].number == SOURCE_TPM;
}

const char *trusted_text(const struct keystore *k, int option)
{
	return k->values[option].present ? k->values[option].text : "";
}

bool trusted_has_policy(const struct keystore *k)
{
	return strstr(trusted_text(k, TRUSTED_OPTIONS), "policydigest=") != NULL;
}

/* Refuses words that the kernel would take, but that are secrets or set by other options. */
static int check_words(const struct keystore *k, int option)
{
	static const char *const refused[] = {
	    "keyhandle=", "keyauth=", "blobauth=", "migratable=", NULL};
	const char *text = trusted_text(k, option);
	char at[WHERE_SIZE];

	where_text(&k->values[option].where, at);
	for (size_t i = 0; refused[i]; i++) {
		if (strstr(text, refused[i]))
			return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
					 "%s%s: %s cannot be given here: %s", at,
					 trusted_options[option].name, refused[i],
					 i == 0   ? "write keyhandle = \"0x81000001\""
					 : i == 3 ? "it is always 0"
						  : "a layout is no place for secrets");
	}
	for (; *text; text++) {
		if (*text != ' ' && !isgraph((unsigned char)*text))
			return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
					 "%s%s: write words with a space in between, as in the "
					 "kernel's documentation",
					 at, trusted_options[option].name);
	}
	return 0;
}

int trusted_options_check(const struct keystore *k)
{
	const char *handle = trusted_text(k, TRUSTED_KEYHANDLE);
	char at[WHERE_SIZE];
	int r = check_words(k, TRUSTED_OPTIONS);

	if (r >= 0)
		r = check_words(k, TRUSTED_LOAD_OPTIONS);
	if (r < 0)
		return r;
	if (strncmp(handle, "0x81", 4) == 0 && strlen(handle) == 10 &&
	    strspn(handle + 2, "0123456789abcdefABCDEF") == 8)
		return 0;
	return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
			 "%skeyhandle = \"%s\" is no persistent handle; write \"0x81000001\"",
			 where_text(&k->values[TRUSTED_KEYHANDLE].where, at), handle);
}
