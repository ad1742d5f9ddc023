/* SPDX-License-Identifier: Apache-2.0 */
/* The layer interface: all that a layer kind is. A file or a folder per kind in lib/layer. */
#ifndef HOLDFAST_MODEL_LAYER_H
#define HOLDFAST_MODEL_LAYER_H

#include "base/diag.h"
#include "model/job.h"
#include "model/facts.h"
#include "model/layout.h"
#include "model/place.h"
#include "model/plan.h"
#include "model/report.h"

/* What the bottom layer says of its volume: how large it is, and the type of its partition. */
struct bound {
	enum { BOUND_AUTO, BOUND_FIXED, BOUND_FILL } kind;
	uint64_t bytes;   /* BOUND_FIXED */
	struct uuid type; /* of its partition */
};

/* Sizes on their way down a stack at planning. */
struct sizing {
	struct bound bound;   /* of the whole volume */
	uint64_t need_bytes;  /* what the layer above needs of this one; 0: takes what there is */
	uint64_t least_bytes; /* below this it cannot work at all */
};

enum probe_result {
	PROBE_MATCHES, /* what was laid out */
	PROBE_ABSENT,  /* nothing of this kind */
	PROBE_DAMAGED, /* a structure of this kind that cannot be used */
	PROBE_FOREIGN, /* of this kind, but not what was laid out */
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

/*
 * Of a kind whose layers may have keys: random, wrapped in the vault. Contents that depend on a key
 * are never in a shared image.
 */
struct layer_key_ops {
	/* Pure: bytes of the key that @l wants for @purpose, 0: none. */
	size_t (*bytes)(const struct layer *l, enum key_purpose purpose);
	int keystore_option; /* index of the option that names the keystore */
	bool by_reference;   /* works with a key that only the kernel has */
	/* Pure: is the key of @l one that only the kernel has, and that the layout names? Unset:
	 * never. */
	bool (*external)(const struct layer *l);
	/* Its keystore is about to seal again, for the hardware and the boot state that are here:
	 * also reseal whatever hardware-sealed data this layer keeps outside the vault. A cut
	 * leaves the old or the new. Unset: there is none. */
	int (*reseal)(const struct layer *l, struct job *job);
	/* How many ways to the contents the target has that were not laid out (LUKS2 keyslots that
	 * others added). Read-only; -errno where that cannot be read without a key. Unset: there
	 * can be none. */
	int (*foreign_ways)(const struct layer *l, struct job *job, unsigned *ret);
	/* Its key is about to be given up: overwrites what gives access to it outside the vault.
	 * Idempotent. Unset: there is nothing. */
	int (*forget)(const struct layer *l, struct job *job);
};

/* Of a kind that the kernel opens. Unset callbacks have nothing to do. */
struct layer_kernel_ops {
	/* @below is what the layer below opened (zeroed for a bottom layer). */
	int (*open)(const struct layer *l, struct job *job, const struct open_how *how,
		    const struct place *below, struct place *ret);
	/* Undoes open() of the same layer; not being open is success. */
	int (*close)(const struct layer *l, struct job *job, const struct open_how *how);
	/* One line about the running state, or nothing when it is not open: *@ret_open. */
	int (*status)(const struct layer *l, struct job *job, const struct open_how *how,
		      bool *ret_open, struct text *to);
	/* Pure, bottom-up: adds what the kernel must be told to find the volume at boot. */
	int (*cmdline)(const struct layer *l, struct cmdline *c);
	/* Pure: why only the kernel can read the contents ("has its cipher"). Unset, or NULL: user
	 * space can, too. */
	const char *(*only_kernel)(const struct layer *l);
};

struct filemap;

/* All callbacks are optional, but for gives() of a layer that another one can stand on. They speak
 * when they fail. */
struct layer_ops {
	const char *name;    /* section name in a layout */
	const char *summary; /* one sentence */
	const char *example; /* a line of a layout */
	unsigned consumes;   /* place kinds that it can stand on */
	enum place_kind provides;
	const struct option_spec *options;
	const struct option_spec *learns; /* forms of what learn() finds; NULL: it finds nothing */
	const struct layer_key_ops *keys; /* NULL: keyless */
	const struct layer_kernel_ops *kernel; /* NULL: gives what is below as it is */

	/* --- planning; pure but for survey() --- */

	/* Mistakes that one option alone does not show; speaks with file and line. */
	int (*check)(const struct layer *l);
	/* Reads the source (never the target), fills l->source. */
	int (*survey)(struct layer *l, struct env *env);
	/* Bottom layers only. */
	int (*bound)(const struct layer *l, struct bound *ret);
	/* Top-down: turns what the layer above needs into what this one needs, and appends
	 * requests. @s is changed in place. */
	int (*size)(const struct layer *l, struct sizing *s, struct plan *p);
	/* After the medium placed all requests: bytes that the layer above gets. */
	int (*gives)(const struct layer *l, uint64_t *ret_bytes);
	/* Steps that must be done before contents are written. Called bottom-up. */
	int (*prepare)(const struct layer *l, struct plan *p);
	/* Same input, same steps, same order. Called top-down, contents first; the step that makes
	 * a layer recognisable comes last among its own. */
	int (*plan)(const struct layer *l, struct plan *p);
	/* Appends steps that make contents of @old_bytes fill a place that has grown (a shared
	 * image completed on a larger device). Unset: cannot, or need not. */
	int (*grow)(const struct layer *l, uint64_t old_bytes, struct plan *p);

	/* --- what the target has --- */

	/* Re-reads from the target what finished steps produced (layer_learn()); idempotent. Also
	 * reads the parameters of a volume that was found without a layout. */
	int (*learn)(struct layer *l, struct job *job);
	/* Of a target that nobody described: is what is below @l of this kind? 1 with options set
	 * and facts learnt, 0, -errno. Unset: it cannot be told. */
	int (*recognise)(struct layer *l, struct job *job);
	/* Cheap evidence that the layer which was laid out is still there: its superblocks and
	 * headers against what was learnt. Read-only, without keys. Unset: it has no evidence. */
	int (*probe)(const struct layer *l, struct job *job, enum probe_result *ret);
	/* The layer as a device over @below (the target for a bottom layer). Unset: it gives what
	 * is below as it is. */
	int (*attach)(const struct layer *l, struct job *job, enum attach_mode mode,
		      struct io *below, struct io **ret);
	/* Read-only, complete, never stops at the first. Offsets in findings are the target's. 0
	 * even where there are findings; -errno when it could not be done. */
	int (*verify)(const struct layer *l, struct job *job, struct report *report);
	/* Structures that have a twin: findings, and steps that mend a damaged one from it. Needs
	 * no keys. Unset: there are none. */
	int (*mend)(const struct layer *l, struct job *job, struct report *report, struct plan *p);

	/* --- what other layers ask --- */

	/* Pure: does reading through @l tell what was changed? Unset: no. */
	bool (*authenticates)(const struct layer *l);
	/* Which bytes of its place @io the contents use. 0; -errno, silent, with *@ret_why (static
	 * text) or NULL where that cannot be told. Unset: it never can. */
	int (*map)(const struct layer *l, struct io *io, struct env *env, struct filemap **ret,
		   const char **ret_why);
};

/* Failures until the end of the block say which layer they are about. */
#define LAYER_SCOPE(l) DIAG_SCOPE("volume %s: layer %s", (l)->volume->full_name, (l)->ops->name)

const struct layer_ops *layer_kind(const struct layer_ops *const *registry, const char *name);
/* The first kind that can stand on @consumes and provides @provides; NULL: there is none. */
const struct layer_ops *layer_kind_between(const struct layer_ops *const *registry,
					   unsigned consumes, enum place_kind provides);
/* Is there a layer below (above) @l that provides @kind? */
bool layer_below_provides(const struct layer *l, enum place_kind kind);
bool layer_above_provides(const struct layer *l, enum place_kind kind);
/* Does @l, or a layer below it, tell what was changed? */
bool layer_authenticates(const struct layer *l);
/* Why only the kernel can read @l or a layer below it; NULL: user space can, too. */
const char *layer_only_kernel(const struct layer *l);

/* The value learnt under @name, or NULL. */
const char *layer_learned(const struct layer *l, const char *name);
int layer_learn(struct layer *l, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Bytes that the layer below @l gives. */
int layer_below_gives(const struct layer *l, uint64_t *ret_bytes);

/* Adds a finding of @l: @len bytes at byte @offset of its volume's data (_at: of the target). */
int layer_report(const struct layer *l, struct report *report, enum finding_kind kind,
		 const char *area, uint64_t offset, uint64_t len, const char *text);
int layer_report_at(const struct layer *l, struct report *report, enum finding_kind kind,
		    const char *area, uint64_t offset, uint64_t len, const char *text);
/* For open(): HF-TAMPERED, "VOLUME: the WHAT WHY". -EUCLEAN. */
int layer_refuse_changed(const struct layer *l, struct job *job, const char *what, const char *why);

/* "FILE:LINE: " for messages, "" when unknown; into a buffer that the caller keeps. */
#define WHERE_SIZE 300
const char *where_text(const struct where *w, char buf[static WHERE_SIZE]);

#endif
