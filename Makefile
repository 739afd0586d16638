# mkbootmedia: plain make; everything that is made goes to build/.
#
#   make            build/mkbootmedia
#   make demo       real boot media from a distribution kernel, booted once in QEMU
#   make check      all tests (unit, command line, oracles, boots)
#   make lab        only the boots in QEMU
#   make bench      speed against cp, grub-mkrescue, genimage, cpio, mksquashfs
#   make install    prefix=/usr/local DESTDIR=
#   make deps       what the above need, from the distribution (apt)

prefix  ?= /usr/local
bindir   = $(prefix)/bin
mandir   = $(prefix)/share/man
compdir  = $(prefix)/share/bash-completion/completions
VERSION := 0.1.0

BUILD   := build
CC      ?= cc
CFLAGS  ?= -O2 -g
LIBS    := fdisk blkid mount expat libxxhash libcrypto jansson libconfuse libarchive libzstd liblzma zlib libcrypt libsquashfs1
WARN    := -std=c17 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
DEFS    := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DVERSION='"$(VERSION)"' -Imkbootmedia
# Started many hundred times: without position independence 65,000 relocations less each time, with
# the sanitizers' own libraries within a third of the pages less.
SAN     := -O1 -fno-pie -no-pie -fsanitize=address,undefined -static-libasan -static-libubsan \
           -fno-sanitize-recover=all -fno-omit-frame-pointer

PKG_CFLAGS := $(shell pkg-config --cflags $(LIBS))
FIRST_LIBS = -larchive -lzstd -llzma -lz -lacl -lcrypto -lresolv -pthread
PKG_LIBS   = $(shell pkg-config --libs $(LIBS)) -lcsv -pthread

SRC     := $(sort $(wildcard mkbootmedia/*.c mkbootmedia/*/*.c))
DATA    := $(sort $(wildcard templates/* efi/*) $(filter-out %.c %.h,$(wildcard firststage/*)))
BOXES   := $(foreach box,select scroll terminal,$(foreach part,nw n ne w c e sw s se,$(box)_$(part)))
THEME   := $(patsubst %,$(BUILD)/theme/%.png,background $(BOXES))
FIRST   := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard firststage/*.c)))
OBJ     := $(SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/embedded.o
SAN_OBJ := $(SRC:%.c=$(BUILD)/san/obj/%.o) $(BUILD)/san/obj/embedded.o
UNIT    := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(sort $(wildcard tests/unit/test_*.c)))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all check unit lab demo bench deps install uninstall clean

all: $(BUILD)/mkbootmedia

$(BUILD)/mkbootmedia: $(OBJ)
	@echo '  LD $@'; $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

# What the tests run: the same program with AddressSanitizer and UBSan.
$(BUILD)/san/mkbootmedia: $(SAN_OBJ)
	@echo '  CC $@'; $(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC $@'; $(CC) $(CFLAGS) $(WARN) $(DEFS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/san/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC $@'; $(CC) $(CFLAGS) $(SAN) $(WARN) $(DEFS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/embedded.c: $(DATA) $(THEME) $(BUILD)/firststage/rootload tools/embed.sh
	@mkdir -p $(@D)
	tools/embed.sh $(DATA) $(THEME) $(BUILD)/firststage/rootload >$@

# What runs in the initramfs of a machine that has its root in RAM: static, as nothing else is there.
$(BUILD)/firststage/rootload: $(FIRST)
	@echo '  LD $@'; $(CC) -static -s -Wl,--gc-sections -o $@ $^ $(FIRST_LIBS)

$(BUILD)/firststage/%.o: firststage/%.c
	@mkdir -p $(@D)
	@echo '  CC $@'; $(CC) -O2 $(WARN) -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -MMD -MP -c -o $@ $<

$(THEME) &: $(BUILD)/draw_theme
	@mkdir -p $(BUILD)/theme
	$(BUILD)/draw_theme $(BUILD)/theme

$(BUILD)/draw_theme: tools/draw_theme.c
	@mkdir -p $(@D)
	@echo '  CC $@'; $(CC) $(CFLAGS) $(WARN) -o $@ $< -lz -lm

$(BUILD)/obj/embedded.o $(BUILD)/san/obj/embedded.o: $(BUILD)/embedded.c
	@mkdir -p $(@D)
	@echo '  CC $@'; $(CC) $(CFLAGS) -std=gnu17 -Imkbootmedia -c -o $@ $<

# A program of tests takes of all this what it calls.
$(BUILD)/san/all.a: $(filter-out %/main.o,$(SAN_OBJ))
	@echo '  AR $@'; rm -f $@; $(AR) rcs $@ $^

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/san/all.a
	@mkdir -p $(@D)
	@echo '  CC $@'; $(CC) $(CFLAGS) $(SAN) $(WARN) $(DEFS) $(PKG_CFLAGS) -MMD -MP -o $@ $< $(BUILD)/san/all.a $(PKG_LIBS) -lcmocka

# Small programs that tests call.
$(BUILD)/tools/%: tests/tools/%.c $(BUILD)/san/all.a
	@mkdir -p $(@D)
	@echo '  CC $@'; $(CC) $(CFLAGS) $(SAN) $(WARN) $(DEFS) $(PKG_CFLAGS) -MMD -MP -o $@ $< $(BUILD)/san/all.a $(PKG_LIBS) -lcmocka

# What makes disks misbehave, for tests of the program without sanitizers.
$(BUILD)/preload/%.so: tests/preload/%.c
	@mkdir -p $(@D)
	@echo '  CC $@'; $(CC) $(CFLAGS) $(WARN) -D_GNU_SOURCE -shared -fPIC -o $@ $<

unit: $(UNIT)

# These bring what they need by themselves, through tools/deps.
check:
	tests/run

lab:
	tests/run tests/lab/*.t

demo:
	tools/demo

bench:
	tests/bench/run
	tests/bench/ramroot
	tests/bench/write

deps:
	tools/deps check demo bench

# Modes are given, so that the umask of whoever installs does not matter.
install: $(BUILD)/mkbootmedia $(BUILD)/completion
	install -d -m 755 "$(DESTDIR)$(bindir)" "$(DESTDIR)$(mandir)/man1" "$(DESTDIR)$(mandir)/man5" \
	    "$(DESTDIR)$(compdir)"
	install -m 755 $(BUILD)/mkbootmedia "$(DESTDIR)$(bindir)/mkbootmedia"
	install -m 644 man/mkbootmedia.1 "$(DESTDIR)$(mandir)/man1/mkbootmedia.1"
	install -m 644 man/mkbootmedia.conf.5 "$(DESTDIR)$(mandir)/man5/mkbootmedia.conf.5"
	install -m 644 $(BUILD)/completion "$(DESTDIR)$(compdir)/mkbootmedia"

uninstall:
	rm -f "$(DESTDIR)$(bindir)/mkbootmedia" "$(DESTDIR)$(mandir)/man1/mkbootmedia.1" \
	    "$(DESTDIR)$(mandir)/man5/mkbootmedia.conf.5" "$(DESTDIR)$(compdir)/mkbootmedia"

$(BUILD)/completion: $(BUILD)/mkbootmedia
	$(BUILD)/mkbootmedia completion >$@

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
