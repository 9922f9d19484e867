//! Plans run on small modules, with optimizers that are scripts.

#![cfg(unix)]

use camino::Utf8PathBuf;

use super::*;
use crate::post_link::Asked;
use pywasm_audit::{Code, Policy};
use pywasm_session::Environment;
use pywasm_session::Reporter;
use pywasm_store::Ctx;
use pywasm_store::Store;

/// A canister with a polyfill, as a linker leaves it.
const CANISTER: &str = r#"(module
    (import "ic0" "msg_reply" (func $reply))
    (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (@custom ".debug_info" "1234")
    (@custom "icp:public candid:service" "service : {}")
    (memory (export "memory") 1)
    (func $unused (result i32) i32.const 7)
    (func $polyfill (export "__ic_custom_fd_close") (param i32) (result i32) i32.const 8)
    (func (export "raw_init") (param i32 i32) call $unused drop)
    (func (export "__ic_custom_sched_yield") (result i32) i32.const 0)
    (func (export "canister_query ask") i32.const 1 call $close call $yield i32.add drop call $reply)
    (data (i32.const 0) "some text"))"#;

fn ctx(variables: &[(&str, &str)]) -> Ctx {
    Ctx {
        env: Environment::of(variables),
        store: Store::at("/nowhere".into()),
        reporter: Reporter::captured(),
        offline: true,
        jobs: Ctx::default_jobs(),
        cwd: "/".into(),
    }
}

fn plan(steps: &[Step], policy: &str, ctx: &Ctx) -> Plan {
    let (steps, policy) = (steps.to_vec(), Some(policy.to_owned()));
    Plan::new(&Asked { steps, policy, ..Asked::default() }, ctx).unwrap()
}

fn imports(bytes: &[u8]) -> Vec<String> {
    wasmparser::validate(bytes).unwrap();
    Module::read(bytes).unwrap().imports.iter().map(|it| it.name.to_owned()).collect()
}

/// A `wasm-opt` that is a script: what it does with `$in` and `$out`.
struct Script {
    _dir: tempfile::TempDir,
    path: Utf8PathBuf,
}

impl Script {
    fn new(version: &str, body: &str) -> Self {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::try_from(dir.path().join("wasm-opt")).unwrap();
        let text = format!(
            "#!/bin/sh\nif [ \"$1\" = --version ]; then echo '{version}'; exit; fi\n\
             in=; out=; echo \"$@\" > \"$(dirname \"$0\")/args\"; env > \"$(dirname \"$0\")/env\"\n\
             while [ $# -gt 0 ]; do case $1 in -o) out=$2; shift;; -*) ;; *) in=$1;; esac; shift; done\n\
             {body}\n"
        );
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        // A process of another test may have it open for writing until it runs something else.
        let busy = std::io::ErrorKind::ExecutableFileBusy;
        let runs = || std::process::Command::new(&path).arg("--version").output();
        while runs().is_err_and(|error| error.kind() == busy) {}
        Self { _dir: dir, path }
    }

    fn ctx(&self) -> Ctx {
        ctx(&[("PATH", "/usr/bin:/bin"), ("PYWASM_WASM_OPT", self.path.as_str())])
    }

    fn written(&self, name: &str) -> String {
        std::fs::read_to_string(self.path.with_file_name(name)).unwrap()
    }

    fn run(&self, bytes: &[u8]) -> anyhow::Result<Outcome> {
        run(bytes, &plan(&[Step::WasmOpt], "none", &self.ctx()))
    }
}

const VERSION: &str = "wasm-opt version 108";

#[test]
fn a_canister_is_rewired_swept_stripped_audited_and_compressed() {
    let bytes = wat::parse_str(CANISTER).unwrap();
    let steps = [Step::Gzip, Step::Audit, Step::Strip, Step::Gc, Step::Rewire];
    let outcome = run(&bytes, &plan(&steps, "ic", &ctx(&[]))).unwrap();
    let order: Vec<Step> = outcome.done.iter().map(|done| done.step).collect();
    assert_eq!(order, [Step::Rewire, Step::Gc, Step::Strip, Step::Audit, Step::Gzip]);
    assert_eq!(imports(&outcome.module), ["msg_reply"]);
    assert_eq!(outcome.findings.as_deref(), Some(&[][..]));
    assert!(!outcome.is_rejected());
    let module = Module::read(&outcome.module).unwrap();
    let exports: Vec<&str> = module.exports.iter().map(|it| it.name).collect();
    assert_eq!(exports, ["memory", "canister_query ask"]);
    let custom: Vec<&str> = module.custom().map(|(name, _)| name).collect();
    assert_eq!(custom, ["icp:public candid:service"]);
    let about: Vec<&str> = outcome.done.iter().map(|done| done.about.as_str()).collect();
    assert_eq!(about[0], "2 imports answered");
    assert!(about[1].starts_with("2 functions, 3 exports"), "{about:?}");
    assert_eq!(about[3], "clean by policy `ic`");
    for pair in outcome.done.windows(2) {
        assert_eq!(pair[0].after, pair[1].before, "one's end is the next one's beginning");
    }
    assert!(about[4].ends_with(" % of the module, for one message"), "{}", about[4]);
    assert_eq!(chunks((2 << 20) + 1), ", in 3 chunks of 1 MiB");
    assert_eq!(outcome.done[4].after, outcome.compressed.as_ref().unwrap().len());
}

/// A canister that says its interface.
#[cfg(feature = "canister")]
fn speaking() -> Vec<u8> {
    wat::parse_str(
        r#"(module
            (import "ic0" "msg_reply" (func $reply))
            (import "ic0" "time" (func $time (result i64)))
            (memory (export "memory") 4)
            (global $__stack_pointer (mut i32) (i32.const 65536))
            (func $printer call $time drop)
            (func (export "get_candid_pointer") (result i32) call $printer i32.const 65540)
            (func (export "canister_query ask")
                (global.set $__stack_pointer (global.get $__stack_pointer)) call $reply)
            (data (i32.const 65540) "service : { ask : () -> () query }\00"))"#,
    )
    .unwrap()
}

#[cfg(feature = "canister")]
#[test]
fn the_interface_is_told_by_a_section_and_what_said_it_goes() {
    let steps = [Step::Candid, Step::Gc, Step::Strip, Step::Audit];
    let script = Script::new(VERSION, "cp \"$in\" \"$out\"");
    for steps in [steps.to_vec(), [&steps[..], &[Step::WasmOpt]].concat()] {
        let plan = plan(&steps, "ic", &script.ctx());
        let bytes = speaking();
        let outcome = run(&bytes, &plan).unwrap();
        assert_eq!(outcome.interface.as_deref(), Some(&b"service : { ask : () -> () query }"[..]));
        let told = custom::read(&outcome.module, custom::CANDID).unwrap();
        assert_eq!(told, outcome.interface.as_deref());
        assert_eq!(imports(&outcome.module), ["msg_reply"]);
        assert!(outcome.module.len() < bytes.len(), "{}", outcome.module.len());
        assert!(outcome.findings.as_ref().is_some_and(Vec::is_empty), "{:?}", outcome.findings);
        let again = run(&outcome.module, &plan).unwrap();
        assert!(again.module == outcome.module, "{:?}", again.done);
        assert_eq!(again.interface, outcome.interface);
    }
}

#[cfg(feature = "canister")]
#[test]
fn a_module_that_says_no_interface_is_told_how_to() {
    let bytes = wat::parse_str("(module (memory 1))").unwrap();
    let error = run(&bytes, &plan(&[Step::Candid], "none", &ctx(&[]))).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("step `candid`") && text.contains("get_candid_pointer"), "{text}");
}

#[test]
fn who_tries_things_out_waits_for_no_optimizer() {
    let steps = vec![Step::Gzip, Step::Rewire, Step::WasmOpt, Step::Audit];
    let budget = Some(pywasm_size::Budget::default());
    let mut asked = Asked { steps, require_wasm_opt: true, budget, ..Asked::default() };
    assert_eq!(asked.for_trying().as_deref(), Some("wasm-opt, gzip, size-budget"));
    assert_eq!(asked.budget, None);
    assert_eq!(
        (&asked.steps[..], asked.require_wasm_opt),
        (&[Step::Rewire, Step::Audit][..], false)
    );
    assert_eq!(asked.for_trying(), None);
    assert_eq!(Plan::new(&asked, &ctx(&[])).unwrap().steps, [Step::Rewire, Step::Audit]);
}

#[test]
fn what_comes_out_goes_in_again_and_comes_out_the_same() {
    let bytes = wat::parse_str(CANISTER).unwrap();
    let steps = [Step::Rewire, Step::Gc, Step::WasmOpt, Step::Strip, Step::Audit, Step::Gzip];
    // An optimizer that makes something else of the module each time it is asked.
    let script =
        Script::new(VERSION, "cat \"$in\" > \"$out\"; printf '\\0\\3\\1x%s' y >> \"$out\"");
    let plan = plan(&steps, "ic", &script.ctx());
    let once = run(&bytes, &plan).unwrap();
    let again = run(&once.module, &plan).unwrap();
    assert!(again.module == once.module && again.compressed == once.compressed);
    assert_eq!(again.done[2].about, "it was optimized before");
    // What was changed since is another program.
    let optimize = Plan { steps: vec![Step::WasmOpt], ..plan };
    let marked = run(&bytes, &optimize).unwrap().module;
    let rewired = rewrite::rewire(&marked, &Wire::polyfill(), true).unwrap().module;
    assert_eq!(run(&rewired, &optimize).unwrap().done[0].about, "-Oz by version 108");
}

#[test]
fn names_of_before_the_strip_are_told_by_the_audit() {
    let bytes = wat::parse_str(
        r#"(module (import "env" "gone" (func $gone))
            (func $caller (export "canister_query x") call $gone))"#,
    );
    let bytes = bytes.unwrap();
    let outcome = run(&bytes, &plan(&[Step::Strip, Step::Audit], "ic", &ctx(&[]))).unwrap();
    assert!(outcome.is_rejected());
    let findings = outcome.findings.unwrap();
    assert_eq!(findings[0].code, Code::UndefinedFunction);
    assert!(findings[0].needed_by[0].contains("caller"), "{:?}", findings[0].needed_by);
    let module = Module::read(&outcome.module).unwrap();
    assert!(module.names().unwrap().is_empty());
}

#[test]
fn wasi_that_nothing_answers_is_a_warning_that_names_it() {
    let bytes = wat::parse_str(CANISTER.replace("__ic_custom_sched_yield", "other")).unwrap();
    let outcome = run(&bytes, &plan(&[Step::Rewire], "ic", &ctx(&[]))).unwrap();
    let warning = outcome.done[0].warning.as_deref().unwrap();
    assert!(warning.ends_with("no function to answer sched_yield"), "{warning}");
    assert_eq!(imports(&outcome.module), ["msg_reply", "sched_yield"]);
}

#[test]
fn exports_of_the_polyfill_stay_where_nothing_is_rewired() {
    let bytes = wat::parse_str(CANISTER).unwrap();
    let outcome = run(&bytes, &plan(&[Step::Gc], "ic", &ctx(&[]))).unwrap();
    let module = Module::read(&outcome.module).unwrap();
    assert!(module.exports.iter().any(|it| it.name == "__ic_custom_fd_close"));
}

#[test]
fn figures_are_of_the_first_and_the_last_module() {
    let bytes = wat::parse_str(CANISTER).unwrap();
    let steps = [Step::Rewire, Step::Gc, Step::Gzip];
    let outcome = run(&bytes, &plan(&steps, "ic", &ctx(&[]))).unwrap();
    let of = |figures: &[Figure], what| {
        figures.iter().find(|it| it.what == what).map(|it| (it.value, it.limit))
    };
    assert_eq!(of(&outcome.before, Limited::Functions), Some((5, Some(50_000))));
    assert_eq!(of(&outcome.after, Limited::Functions), Some((3, Some(50_000))));
    assert_eq!(of(&outcome.before, Limited::GzipSize), None);
    let packed = outcome.compressed.unwrap().len() as u64;
    assert_eq!(of(&outcome.after, Limited::GzipSize), Some((packed, None)));
}

#[test]
fn an_optimizer_that_is_not_there_is_skipped_or_an_error_as_asked() {
    let bytes = wat::parse_str(CANISTER).unwrap();
    let empty = tempfile::tempdir().unwrap();
    let ctx = ctx(&[("PATH", empty.path().to_str().unwrap())]);
    let optional = plan(&[Step::WasmOpt], "ic", &ctx);
    let why = "there is no `wasm-opt` on PATH or in the store; \
        `cargo pywasm toolchain wasm-opt` gets one";
    assert!(optional.told().contains(&format!("skipped: {why}")), "{}", optional.told());
    let outcome = run(&bytes, &optional).unwrap();
    assert!(outcome.module == bytes);
    assert_eq!(outcome.done[0].skipped.as_deref(), Some(why));
    // Required it is a step, named or not.
    let asked = Asked { require_wasm_opt: true, ..Asked::default() };
    let error = format!("{:#}", Plan::new(&asked, &ctx).unwrap_err());
    assert!(error.contains("has to run"), "{error}");
    assert!(error.contains("hint: `cargo pywasm toolchain wasm-opt` gets one"), "{error}");
}

#[test]
fn the_optimizer_of_the_store_is_taken_where_path_has_none() {
    let of_store = Script::new("wasm-opt version 131", "cat \"$in\" > \"$out\"");
    let root = of_store.path.parent().unwrap();
    let mut ctx = ctx(&[("PATH", "/nowhere")]);
    ctx.store = Store::at(root);
    let kept = ctx.store.entry(pywasm_store::Bucket::Toolchains, "packages-binaryen-131-00000000");
    std::fs::create_dir_all(kept.join("bin")).unwrap();
    let kept = kept.join("bin/wasm-opt");
    // Moved, not copied: nobody has it open for writing.
    std::fs::rename(&of_store.path, &kept).unwrap();
    let told = plan(&[Step::WasmOpt], "none", &ctx).told();
    assert!(told.contains(&format!("-Oz by {kept}, wasm-opt version 131")), "{told}");

    // One on PATH comes first, but for one that is none.
    for (says, wanted) in [(VERSION, "wasm-opt version 108"), ("42", "wasm-opt version 131")] {
        let on_path = Script::new(says, "cat \"$in\" > \"$out\"");
        let path = format!("{}:/usr/bin:/bin", on_path.path.parent().unwrap());
        ctx.env = Environment::of(&[("PATH", &path)]);
        let told = plan(&[Step::WasmOpt], "none", &ctx).told();
        assert!(told.contains(wanted), "{told}");
    }
}

#[test]
fn a_program_of_that_name_that_is_none_is_not_taken_for_one() {
    let script = Script::new("42", "cat \"$in\" > \"$out\"");
    let dir = script.path.parent().unwrap().as_str();
    let path = format!("{dir}:/usr/bin:/bin");
    let on_path = ctx(&[("PATH", path.as_str())]);
    let told = plan(&[Step::WasmOpt], "none", &on_path).told();
    assert!(told.contains("skipped") && told.contains("is not Binaryen's"), "{told}");
    // The one that somebody named was meant.
    let asked = Asked { steps: vec![Step::WasmOpt], ..Asked::default() };
    for named in [script.path.as_str(), "/nowhere/wasm-opt"] {
        let named = ctx(&[("PYWASM_WASM_OPT", named), ("PATH", "/usr/bin:/bin")]);
        let error = format!("{:#}", Plan::new(&asked, &named).unwrap_err());
        assert!(error.contains("PYWASM_WASM_OPT"), "{error}");
    }
}

#[test]
fn an_optimizer_that_fails_is_an_error_with_what_it_said() {
    let bytes = wat::parse_str(CANISTER).unwrap();
    let script = Script::new(VERSION, "echo 'Fatal: no such feature' >&2; exit 3");
    let error = format!("{:#}", script.run(&bytes).unwrap_err());
    for word in ["step `wasm-opt`", "exit status: 3", "Fatal: no such feature", "hint: "] {
        assert!(error.contains(word), "{word} in {error}");
    }
}

#[test]
fn a_module_that_an_optimizer_broke_goes_nowhere() {
    let bytes = wat::parse_str(CANISTER).unwrap();
    let other = wat::parse_str(r#"(module (import "env" "new" (func)))"#).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let other_path = dir.path().join("other.wasm");
    std::fs::write(&other_path, other).unwrap();
    let exports = format!("cat '{}' > \"$out\"", other_path.display());
    for (body, wanted) in [
        ("echo garbage > \"$out\"", "not valid any more"),
        ("head -c 40 \"$in\" > \"$out\"", "not valid any more"),
        ("true", "wrote no module"),
        (exports.as_str(), "it has other exports"),
    ] {
        let error = format!("{:#}", Script::new(VERSION, body).run(&bytes).unwrap_err());
        assert!(error.contains(wanted), "{wanted} in {error}");
    }
}

#[test]
fn an_optimizer_is_told_the_proposals_and_sees_a_listed_environment() {
    let bytes = wat::parse_str(
        r#"(module (memory 1)
            (func $named (export "f") (param i32) (result i32 i32)
                (memory.fill (i32.const 0) (i32.const 0) (i32.const 9))
                local.get 0 i32.extend8_s f32.const 1 i32.trunc_sat_f32_s))"#,
    );
    let script = Script::new(VERSION, "cat \"$in\" > \"$out\"");
    let outcome = script.run(&bytes.unwrap()).unwrap();
    let args = script.written("args");
    assert!(
        args.starts_with(
            "-Oz -g --enable-bulk-memory --enable-multivalue --enable-nontrapping-float-to-int \
             --enable-sign-ext /"
        ),
        "{args}"
    );
    let env = script.written("env");
    // Cargo gives it to every test.
    assert!(std::env::var_os("CARGO_PKG_NAME").is_none() || !env.contains("CARGO_PKG_NAME"));
    assert!(env.contains("BINARYEN_CORES=") && env.contains("PATH="), "{env}");
    assert_eq!(outcome.done[0].about, "-Oz by version 108");
}

/// Binaryen of this machine; where there is none, there is nothing to hold it against.
#[test]
fn the_real_optimizer_makes_a_smaller_module_of_the_same_outside() {
    let path = std::env::var("PATH").unwrap_or_default();
    let ctx = ctx(&[("PATH", path.as_str())]);
    let plan = plan(&[Step::WasmOpt, Step::Strip], "none", &ctx);
    if !matches!(plan.optimizer, Some(Optimizer::Found(_))) {
        return;
    }
    let text = format!(
        r#"(module (memory (export "memory") 1) (func (export "f") (param i32) (result i32) local.get 0 {}))"#,
        "i32.extend8_s i32.const 1 i32.add ".repeat(200)
    );
    let bytes = wat::parse_str(text).unwrap();
    let once = run(&bytes, &plan).unwrap();
    wasmparser::validate(&once.module).unwrap();
    assert!(once.done[0].after <= bytes.len() + 100, "{:?}", once.done);
    assert!(run(&once.module, &plan).unwrap().module == once.module);
}

#[test]
fn what_is_no_module_is_refused() {
    for bytes in [&b""[..], b"\0asm\x01\0\0\0\x02\x01", b"garbage!"] {
        assert!(run(bytes, &plan(&[Step::Gc], "none", &ctx(&[]))).is_err(), "{bytes:?}");
    }
}

#[test]
fn a_policy_that_limits_what_is_compressed_is_held_against_it() {
    let bytes = wat::parse_str(CANISTER).unwrap();
    let mut plan = plan(&[Step::Audit, Step::Gzip], "none", &ctx(&[]));
    let text = "schema = 1\n[limits]\ngzip-size = 10\n";
    plan.policy = Policy::parse(text, true).unwrap();
    let findings = run(&bytes, &plan).unwrap().findings.unwrap();
    let limit = findings.iter().find(|finding| finding.subject == "gzip-size").unwrap();
    assert!(
        limit.notes.iter().any(|note| note.contains("1 function: polyfill")),
        "{:?}",
        limit.notes
    );
}
