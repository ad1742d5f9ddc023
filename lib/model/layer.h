/* SPDX-License-Identifier: Apache-2.0 */
/* The layer interface: all that a layer kind is. One file per kind in lib/layer. */
#ifndef HOLDFAST_MODEL_LAYER_H
#define HOLDFAST_MODEL_LAYER_H

#include "base/diag.h"
#include "model/job.h"
#include "model/facts.h"
#include "model/layout.h"
#include "model/place.h"
#include "model/plan.h"
#include "model/report.h"

/* How big the bottom layer says that its volume is. */
struct bound {
	enum { BOUND_AUTO, BOUND_FIXED, BOUND_FILL } kind;
	uint64_t bytes; /* BOUND_FIXED */
};

/* Sizes on their way down a stack at planning. */
struct sizing {
	struct bound bound;   /* of the whole volume */
	uint64_t need_bytes;  /* what the layer above needs of this one; 0: takes what there is */
	uint64_t least_bytes; /* below this it cannot work at all */
};

enum probe_result {
	PROBE_MATCHES, /* is what this layer would write */
	PROBE_ABSENT,
	PROBE_PARTIAL,
	PROBE_DAMAGED,
	PROBE_FOREIGN, /* something else stands there */
};

enum attach_mode {
	ATTACH_WRITE,    /* to write contents at provisioning; nothing is checked */
	ATTACH_READ,     /* reads give EILSEQ where they do not verify */
	ATTACH_READ_RAW, /* reads as ATTACH_READ, without checking: what verify() of a layer above
			    uses */
	ATTACH_IMAGE,    /* as ATTACH_READ, but what was never written reads as zeroes where the
			    contents do not use it */
};

/* Random keys, wrapped in the vault. A layer without KEY_VOLUME is keyless. */
enum key_purpose {
	KEY_VOLUME,   /* what contents are encrypted or authenticated with */
	KEY_RECOVERY, /* another way in, to be printed and locked away */
	KEY_TOKEN,    /* another way in, which systemd-cryptsetup has hardware unseal */
	KEY_PURPOSES,
};

/* What `open` was asked for. */
struct open_how {
	const char
	    *mount_below; /* directories are mounted at MOUNT_BELOW/NAME; NULL: stop below them */
	const char *dm_prefix; /* dm names are PREFIX-VOLUME[-SLOT][.ROLE] */
	bool read_only;
};

/* The kernel command line that opens a volume at boot, on its way up a stack. */
struct cmdline {
	const char *name; /* of the mapping */
	struct text
	    device; /* what stands below, as the kernel finds it: "PARTUUID=…", "/dev/dm-0" */
	struct text wait_for; /* devices that dm-mod.waitfor= must name, "," between */
	struct text create;   /* value of dm-mod.create=, "" when no mapping is needed */
	struct text systemd;  /* what systemd's generators take instead */
	const char *fstype;   /* rootfstype=, NULL unknown */
	unsigned mappings;    /* in @create so far: the next is /dev/dm-N */
	bool read_only;
};
void cmdline_free(struct cmdline *c);

struct layer_ops {
	const char *name;    /* section name in a layout */
	const char *summary; /* one sentence */
	const char *example; /* a line of a layout */
	unsigned consumes;   /* place kinds that it can stand on */
	enum place_kind provides;
	const struct option_spec *options;

	/* Pure: bytes of the key that it wants for @purpose, 0 none; unset: keyless. Contents that
	 * depend on a key are never in a shared image. */
	size_t (*key_bytes)(const struct layer *l, enum key_purpose purpose);
	bool by_reference; /* works with a key that only the kernel has */
	/* Pure. Mistakes that one option alone does not show; speaks with file and line. */
	int (*check)(const struct layer *l);
	/* Reads the source (never the target), fills l->source. */
	int (*survey)(struct layer *l, struct env *env);
	/* Pure; bottom layers only. */
	int (*bound)(const struct layer *l, struct bound *ret);
	/* Pure, top-down: turns what the layer above needs into what this one needs, and appends
	 * requests. @s is changed in place. */
	int (*size)(const struct layer *l, struct sizing *s, struct plan *p);
	/* Pure, after the medium placed all requests: bytes that the layer above gets. */
	int (*gives)(const struct layer *l, uint64_t *ret_bytes);
	/* Pure: steps that must be done before contents are written. Called bottom-up. */
	int (*prepare)(const struct layer *l, struct plan *p);
	/* Pure: same input, same steps, same order. Called top-down, contents first; the step that
	 * makes a layer recognisable comes last among its own. */
	int (*plan)(const struct layer *l, struct plan *p);
	/* Pure: appends steps that make contents of @old_bytes take a place that has grown (a
	 * shared image completed on a larger device). NULL: cannot, or has no need to. */
	int (*grow)(const struct layer *l, uint64_t old_bytes, struct plan *p);
	/* Re-reads from the target what finished steps produced (layer_learn()); idempotent. Also
	 * reads the parameters of a volume that was found without a layout. */
	int (*learn)(struct layer *l, struct job *job);
	/* Of a target that nobody described: is it this kind that stands on what is below @l? 1
	 * with options set and facts learnt, 0, -errno having spoken. Unset: it cannot be told. */
	int (*recognise)(struct layer *l, struct job *job);
	/* Read-only. -errno, or what stands there. */
	int (*probe)(const struct layer *l, struct job *job, enum probe_result *ret);
	/* The layer as a device over @below (the target for a bottom layer). */
	int (*attach)(const struct layer *l, struct job *job, enum attach_mode mode,
		      struct io *below, struct io **ret);
	/* Read-only, complete, never stops at the first. Offsets in findings are the target's. 0
	 * even where there are findings; -errno when it could not be done. */
	int (*verify)(const struct layer *l, struct job *job, struct report *report);
	/* Structures that have a twin: findings, and steps that mend a damaged one from it. Needs
	 * no keys. Unset: there are none. */
	int (*mend)(const struct layer *l, struct job *job, struct report *report, struct plan *p);
	/* Its keystore is about to seal anew, for the hardware and the boot state that are here:
	 * what else of it hardware has sealed and stands outside of the vault follows. A cut leaves
	 * the old or the new. Unset: there is nothing. */
	int (*reseal)(const struct layer *l, struct job *job);
	/* How many ways to the contents stand on the target that were not laid out (LUKS2 keyslots
	 * that others added). Read-only; -errno where that cannot be read without a key. Unset:
	 * there can be none. */
	int (*foreign_ways)(const struct layer *l, struct job *job, unsigned *ret);
	/* Its key is about to be given up: what of it stands outside of the vault is overwritten.
	 * Idempotent. */
	int (*forget)(const struct layer *l, struct job *job);
	/* Kernel: @below is what the layer beneath opened (zeroed for a bottom layer). */
	int (*open)(const struct layer *l, struct job *job, const struct open_how *how,
		    const struct place *below, struct place *ret);
	/* Takes down what open() of the same layer made; finding nothing to take down is success.
	 */
	int (*close)(const struct layer *l, struct job *job, const struct open_how *how);
	/* One line about the running state, or nothing when it is not open: *@ret_open. */
	int (*status)(const struct layer *l, struct job *job, const struct open_how *how,
		      bool *ret_open, struct text *to);
	/* Pure, bottom-up: adds what the kernel must be told to find the volume. NULL: nothing. */
	int (*cmdline)(const struct layer *l, struct cmdline *c);
};

/* Failures until the end of the block say which layer they are about. */
#define LAYER_SCOPE(l) DIAG_SCOPE("volume %s: layer %s", (l)->volume->full_name, (l)->ops->name)

const struct layer_ops *layer_kind(const struct layer_ops *const *registry, const char *name);

/* The value learnt under @name, or NULL. */
const char *layer_learned(const struct layer *l, const char *name);
int layer_learn(struct layer *l, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Bytes that the layer below @l gives. */
int layer_below_gives(const struct layer *l, uint64_t *ret_bytes);

/* "FILE:LINE: " for messages, "" when unknown; into a buffer that the caller keeps. */
#define WHERE_SIZE 300
const char *where_text(const struct where *w, char buf[static WHERE_SIZE]);

#endif
