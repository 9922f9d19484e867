//! Writes the files and make rules for profile-guided and link-time optimization.
//!
//! If libpython were an archive of LLVM bitcode, users would have to link it with the linker of the
//! LLVM release that compiled it. Link-time optimization is therefore completed here: a relocatable
//! link (`wasm-ld -r`) turns libpython into one ordinary object. A linker can still omit unused
//! functions from that object. The objects that a closed set of Python modules replaces stay
//! separate.

use camino::Utf8Path;
use pywasm_recipes::Build;

/// The name of the training data file in the build directory.
const TRAINING: &str = "pywasm.profdata";
/// The C source of the runtime that instrumented code needs. At exit, it writes the execution
/// counts to a file.
const COUNTER: &str = "pywasm-counter.c";

/// The objects that are not merged into the relocatable object, because a closed set of Python
/// modules replaces them.
const SEPARATE: &str = "Modules/config.o Modules/getpath.o Modules/getbuildinfo.o Python/frozen.o";

/// The object that contains the bytecode loop. It is compiled without training data. With training
/// data, LLVM lays out the switch in a way that is slower on wasm (by a tenth for numeric code).
/// LLVM also inlines so much that the loop gets many entry points, and LLVM's pass for irreducible
/// control flow then needs minutes and gigabytes of memory.
pub(super) const LOOP: &str = "Python/ceval.o";

/// The object that replaces [`LOOP`] if the recipe splits live ranges. It has no make rule, because
/// `split_loop` in `run.rs` writes it.
pub(super) const SPLIT: &str = "pywasm-ceval.o";

/// The object with the limits of recursion. It is not merged into the relocatable object, so that
/// crates can replace a definition in it.
const STACK: &str = "pywasm-stack.o";

/// Writes the files that the rules refer to. `training` is compressed with xz.
///
/// # Errors
/// When a file cannot be written, or the training data cannot be decompressed.
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
        // Do not rewrite an unchanged file, because make would compile it again.
        let path = dir.join(name);
        if !fs_err::read(&path).is_ok_and(|old| old == bytes) {
            fs_err::write(path, bytes)?;
        }
    }
    Ok(())
}

/// Returns the make definitions and rules for optimization.
pub(super) fn rules(build: &Build, is_trained: bool, linker: &Utf8Path) -> String {
    let mut rules = String::new();
    if is_trained {
        // clang ignores training data for functions that have no counts or that changed since the
        // training. The disabled warnings concern such functions.
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
        rules.push_str(&format!("PYWASM_OBJECTS = {library} {STACK}\n"));
        return rules;
    }
    rules.push_str(&format!(
        "PYWASM_SEPARATE = {SEPARATE}\n\
         PYWASM_WHOLE = $(filter-out $(PYWASM_SEPARATE),{library})\n\
         PYWASM_OBJECTS = pywasm-whole.o $(PYWASM_SEPARATE) {STACK}\n\
         # The freezer runs once.\n\
         PYWASM_FREEZER_FLAGS = -Wl,--lto-O0\n\
         OPT += $(PYWASM_LTO)\n\
         $(PYWASM_WHOLE): PYWASM_LTO = -flto=thin\n\
         # Prerequisites inherit the variables of a target: reset them for the archives.\n\
         {LOOP} $(PYWASM_ARCHIVES) $(PYWASM_SEPARATE): PYWASM_LTO =\n\
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
    fn rules_follow_the_recipe() {
        assert_eq!(rules_of(""), "PYWASM_OBJECTS = $(LIBRARY_OBJS) pywasm-stack.o\n");
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
    fn training_data_is_decompressed() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap();
        let build = Build { trained: true, ..Build::default() };
        write(&build, build.training(SERIES), path).unwrap();
        // The data begins with the magic number of LLVM's indexed profiles and the format version
        // that clang 22 writes. From a profile in clang 19's format, clang 22 uses only the entry
        // counts of functions, and not the counts of branches.
        let data = fs_err::read(path.join(TRAINING)).unwrap();
        assert_eq!(data[..9], *b"\xfflprofi\x81\x0d");
    }
}
