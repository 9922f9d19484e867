//! How a build knows which code is hot, is optimized as a whole, or counts what it runs: files in the
//! build directory, and what make is told of them.
//!
//! Link-time optimization does not reach the user: an archive of bitcode would want a linker of clang's own
//! release. The objects of libpython are optimized here, by a relocatable link (`wasm-ld -r`), into one
//! object like any other, from which linkers still take function by function. What a closed set of
//! modules replaces stays beside it.

use camino::Utf8Path;
use pywasm_recipes::Build;

/// What of training data the compiler finds in the build directory.
const TRAINING: &str = "pywasm.profdata";
/// The functions that instrumented code calls, and the file of counts that they write.
const COUNTER: &str = "pywasm-counter.c";

/// What stays an object of its own: others take its place in the link.
const APART: &str = "Modules/config.o Modules/getpath.o Modules/getbuildinfo.o Python/frozen.o";

/// The loop that interprets bytecode is compiled by itself and without counts: in a function of this size, what
/// the counts make of the switch is slower on wasm (numeric code by a tenth), and what else is inlined into it
/// gives it so many entries to its loops that LLVM's pass which makes them wasm's takes minutes and gigabytes.
pub(super) const LOOP: &str = "Python/ceval.o";

/// What stands in for it where its live ranges are split: no rule makes it.
pub(super) const SPLIT: &str = "pywasm-ceval.o";

/// Writes what the rules name. `training` is packed by xz.
///
/// # Errors
/// When a file can't be written, or the training data can't be unpacked.
pub(super) fn write(build: &Build, training: Option<&[u8]>, dir: &Utf8Path) -> anyhow::Result<()> {
    let mut files = Vec::new();
    if let Some(packed) = training {
        let mut data = Vec::new();
        std::io::copy(&mut liblzma::read::XzDecoder::new(packed), &mut data)?;
        files.push((TRAINING, data));
    }
    if build.instrumented {
        files.push((COUNTER, include_bytes!("counter.c").to_vec()));
    }
    for (name, bytes) in files {
        // make compares dates: writing an unchanged file again would compile it again.
        let path = dir.join(name);
        if !path.exists() {
            fs_err::write(path, bytes)?;
        }
    }
    Ok(())
}

/// The rules that stand between CPython's Makefile and ours.
pub(super) fn rules(build: &Build, is_trained: bool, linker: &Utf8Path) -> String {
    let mut rules = String::new();
    if is_trained {
        // A function that was never trained, or is another in this release, is compiled without counts.
        rules.push_str(&format!(
            "PYWASM_TRAINED = -fprofile-instr-use={TRAINING} -mllvm -enable-value-profiling \
             -Wno-profile-instr-unprofiled -Wno-profile-instr-out-of-date -Wno-profile-instr-missing\n\
             OPT += $(PYWASM_TRAINED)\n\
             {LOOP}: PYWASM_TRAINED =\n"
        ));
    }
    if build.instrumented {
        rules.push_str(
            "OPT += -fprofile-instr-generate -mllvm -enable-value-profiling \
             -mllvm -enable-name-compression=false\n\
             SYSLIBS += pywasm-counter.a\n\
             PYWASM_ARCHIVES += pywasm-counter.a\n\
             pywasm-counter.o: pywasm-counter.c\n\t$(CC) -c -O2 -o $@ pywasm-counter.c\n\
             pywasm-counter.a: pywasm-counter.o\n\trm -f $@\n\t$(AR) $(ARFLAGS) $@ pywasm-counter.o\n",
        );
    }
    let library = match build.split_live_ranges {
        Some(true) => format!("$(patsubst {LOOP},{SPLIT},$(LIBRARY_OBJS))"),
        _ => "$(LIBRARY_OBJS)".to_owned(),
    };
    if !build.lto {
        rules.push_str(&format!("PYWASM_OBJECTS = {library}\n"));
        return rules;
    }
    rules.push_str(&format!(
        "PYWASM_APART = {APART}\n\
         PYWASM_WHOLE = $(filter-out $(PYWASM_APART),{library})\n\
         PYWASM_OBJECTS = pywasm-whole.o $(PYWASM_APART)\n\
         # The freezer runs once.\n\
         PYWASM_FREEZER_FLAGS = -Wl,--lto-O0\n\
         OPT += $(PYWASM_LTO)\n\
         $(PYWASM_WHOLE): PYWASM_LTO = -flto=thin\n\
         # What a target sets, what it is made from inherits: modules in C wait for their libraries.\n\
         {LOOP} $(PYWASM_ARCHIVES) $(PYWASM_APART): PYWASM_LTO =\n\
         pywasm-whole.o: $(PYWASM_WHOLE)\n\
         \t{linker} -r --lto-O3 -o $@ $(PYWASM_WHOLE)\n"
    ));
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERIES: pywasm_recipes::MinorVersion =
        pywasm_recipes::MinorVersion { major: 3, minor: 13 };

    fn rules_of(table: &str) -> String {
        let recipe = format!(
            "schema = 1\nname = \"a\"\ndescription = \"d\"\npython = \"3.13\"\n[build]\n{table}"
        );
        let recipe = pywasm_recipes::Recipe::parse(&recipe).unwrap();
        rules(&recipe.build, recipe.build.trained, "/sdk/bin/wasm-ld".into())
    }

    #[test]
    fn only_what_a_recipe_asks_for_reaches_make() {
        assert_eq!(rules_of(""), "PYWASM_OBJECTS = $(LIBRARY_OBJS)\n");
        let speed = rules_of("profile = \"speed\"");
        assert!(
            speed.contains("-fprofile-instr-use=pywasm.profdata") && speed.contains("-flto=thin")
        );
        assert!(speed.contains("\t/sdk/bin/wasm-ld -r --lto-O3"), "{speed}");
        assert!(speed.contains("$(patsubst Python/ceval.o,pywasm-ceval.o,$(LIBRARY_OBJS))"));
        assert!(!speed.contains("-fprofile-instr-generate"));
        assert!(rules_of("instrumented = true").contains("SYSLIBS += pywasm-counter.a"));
    }

    #[test]
    fn training_data_is_unpacked_where_the_rules_look_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap();
        let build = Build { trained: true, ..Build::default() };
        write(&build, build.training(SERIES), path).unwrap();
        // The magic of LLVM's indexed profiles, and the version that clang 22 writes: of earlier ones it takes
        // no branches.
        let data = fs_err::read(path.join(TRAINING)).unwrap();
        assert_eq!(data[..9], *b"\xfflprofi\x81\x0d");
    }
}
