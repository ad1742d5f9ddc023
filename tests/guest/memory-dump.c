/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program and keeps what its memory ever held: every writable page, each time it calls the
 * kernel about keys or devices, and when it ends; a page that was kept before is not kept again. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define SEEN (1 << 20)

static uint64_t seen[SEEN];
static FILE *out;
static unsigned long stops, pages;

static uint64_t hash(const uint8_t *p)
{
	uint64_t words[PAGE / 8], h = 0xcbf29ce484222325ULL;

	memcpy(words, p, PAGE);
	for (size_t i = 0; i < PAGE / 8; i++) {
		h = (h ^ words[i]) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 29;
	}
	return h | 1;
}

static bool is_new(const uint8_t *p)
{
	uint64_t h = hash(p);
	size_t i = h % SEEN;

	for (size_t tries = 0; tries < SEEN && seen[i]; tries++, i = (i + 1) % SEEN) {
		if (seen[i] == h)
			return false;
	}
	seen[i] = h;
	return true;
}

static void keep_range(int mem, uint64_t from, uint64_t to)
{
	static uint8_t bytes[256 * PAGE];

	while (from < to) {
		size_t n = to - from < sizeof(bytes) ? to - from : sizeof(bytes);
		ssize_t got = pread(mem, bytes, n, (off_t)from);

		if (got < PAGE)
			return; /* a guard page */
		for (ssize_t at = 0; at + PAGE <= got; at += PAGE) {
			if (!is_new(bytes + at))
				continue;
			fwrite(bytes + at, PAGE, 1, out);
			pages++;
		}
		from += (uint64_t)got;
	}
}

static void keep(pid_t pid)
{
	char path[64], line[512], mode[8];
	uint64_t from, to;
	FILE *maps;
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	stops++;
	while (maps && mem >= 0 && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, mode) == 3 &&
		    mode[0] == 'r' && mode[1] == 'w')
			keep_range(mem, from, to);
	}
	if (maps)
		fclose(maps);
	if (mem >= 0)
		close(mem);
}

static bool is_telling(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		return false;
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	return info.entry.nr == SYS_add_key || info.entry.nr == SYS_keyctl ||
	       info.entry.nr == SYS_ioctl || info.entry.nr == SYS_exit_group;
}

/* The signal that the stopped thread is to get. */
static int handle(pid_t pid, int status)
{
	int signal = WSTOPSIG(status);

	if (signal == (SIGTRAP | 0x80)) {
		if (is_telling(pid))
			keep(pid);
		return 0;
	}
	if (status >> 16 == PTRACE_EVENT_EXIT)
		keep(pid);
	return status >> 16 || signal == SIGSTOP || signal == SIGTRAP ? 0 : signal;
}

int main(int argc, char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL;
	int status, result = 125;
	pid_t child, pid;

	out = argc > 2 ? fopen(argv[1], "we") : NULL;
	if (!out) {
		fprintf(stderr, "usage: memory-dump FILE COMMAND…\n");
		return 2;
	}
	child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execv(argv[2], argv + 2);
		_exit(127);
	}
	waitpid(child, &status, 0);
	ptrace(PTRACE_SETOPTIONS, child, 0, options);
	ptrace(PTRACE_SYSCALL, child, 0, 0);
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status))
			ptrace(PTRACE_SYSCALL, pid, 0, handle(pid, status));
		else if (pid == child)
			result = WIFEXITED(status) ? WEXITSTATUS(status) : 126;
	}
	fclose(out);
	fprintf(stderr, "memory-dump: %lu stops, %lu pages\n", stops, pages);
	return result;
}
