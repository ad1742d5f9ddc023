/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over kept inputs where there is no libFuzzer: files, or directories of them.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	FILE *f = fopen(path, "r");
	uint8_t *bytes;
	struct stat st;
	size_t n;

	if (!f || fstat(fileno(f), &st) < 0 || !S_ISREG(st.st_mode))
		abort();
	/* Just as long as the input: reading beyond it is found out. */
	bytes = malloc((size_t)st.st_size ? (size_t)st.st_size : 1);
	if (!bytes)
		abort();
	n = fread(bytes, 1, (size_t)st.st_size, f);
	fclose(f);
	LLVMFuzzerTestOneInput(bytes, n);
	free(bytes);
	return 1;
}

static int run_directory(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d))) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			n += run_file(path);
	}
	if (d)
		closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0)
			n += S_ISDIR(st.st_mode) ? run_directory(argv[i]) : run_file(argv[i]);
	}
	printf("%sok - %d kept inputs\n", n ? "" : "not ", n);
	return n == 0;
}
