# For OP-TEE's TA development kit. `keystore/…` and `base/…` are found from here.
global-incdirs-y += .
global-incdirs-y += ../../..
global-incdirs-y += ../../../lib
srcs-y += holdfast-ta.c
srcs-y += seal.c
srcs-y += state.c
cflags-y += -std=gnu17 -Wno-unused-parameter
