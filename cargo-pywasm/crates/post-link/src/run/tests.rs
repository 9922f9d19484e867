//! Tests plans on small modules, with shell scripts in place of `wasm-opt`.

#![cfg(unix)]
#![allow(clippy::print_stderr, reason = "a skipped test prints why")]

use camino::Utf8PathBuf;

use super::*;
use crate::{Request, Surroundings};
use pywasm_audit::{Code, Policy};
use pywasm_session::Environment;
use pywasm_store::Ctx;
use pywasm_store::Store;

/// A linked canister with a polyfill.
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
    Ctx::for_tests("/".into(), variables)
}

fn plan(steps: &[Step], policy: &str, ctx: &Ctx) -> Plan {
    let (steps, policy) = (steps.to_vec(), Some(policy.to_owned()));
    Plan::new(&Request { steps, policy, ..Request::default() }, &Surroundings::default(), ctx)
        .unwrap()
}

fn imports(bytes: &[u8]) -> Vec<String> {
    wasmparser::validate(bytes).unwrap();
    Module::read(bytes).unwrap().imports.iter().map(|it| it.name.to_owned()).collect()
}

/// A shell script in place of `wasm-opt`, which reads `$in` and writes `$out`.
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
        // A child process of another test may hold the file open for writing until it calls exec.
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
fn all_steps_run_on_a_canister() {
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
    assert_eq!(about[0], "2 imports connected");
    assert!(about[1].starts_with("2 functions, 3 exports"), "{about:?}");
    assert_eq!(about[3], "clean with policy `ic`");
    for pair in outcome.done.windows(2) {
        assert_eq!(
            pair[0].after, pair[1].before,
            "each step starts with the result of the previous one"
        );
    }
    assert!(about[4].ends_with(" % of the module, fits one message"), "{}", about[4]);
    assert_eq!(chunks((2 << 20) + 1), ", in 3 chunks of 1 MiB");
    assert_eq!(outcome.done[4].after, outcome.compressed.as_ref().unwrap().len());
}

/// Returns a canister with an export for its interface.
#[cfg(feature = "canister")]
fn with_interface() -> Vec<u8> {
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
fn candid_embeds_the_interface_and_gc_removes_the_export() {
    let steps = [Step::Candid, Step::Gc, Step::Strip, Step::Audit];
    let script = Script::new(VERSION, "cp \"$in\" \"$out\"");
    for steps in [steps.to_vec(), [&steps[..], &[Step::WasmOpt]].concat()] {
        let plan = plan(&steps, "ic", &script.ctx());
        let bytes = with_interface();
        let outcome = run(&bytes, &plan).unwrap();
        assert_eq!(outcome.interface.as_deref(), Some(&b"service : { ask : () -> () query }"[..]));
        let embedded = custom::read(&outcome.module, custom::CANDID).unwrap();
        assert_eq!(embedded, outcome.interface.as_deref());
        assert_eq!(imports(&outcome.module), ["msg_reply"]);
        let module = Module::read(&outcome.module).unwrap();
        let exports: Vec<&str> = module.exports.iter().map(|it| it.name).collect();
        assert_eq!(exports, ["memory", "canister_query ask"]);
        assert!(outcome.findings.as_ref().is_some_and(Vec::is_empty), "{:?}", outcome.findings);
        let again = run(&outcome.module, &plan).unwrap();
        assert!(again.module == outcome.module, "{:?}", again.done);
        assert_eq!(again.interface, outcome.interface);
    }
}

#[cfg(feature = "canister")]
#[test]
fn missing_interface_names_the_export() {
    let bytes = wat::parse_str("(module (memory 1))").unwrap();
    let error = run(&bytes, &plan(&[Step::Candid], "none", &ctx(&[]))).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("step `candid`") && text.contains("get_candid_pointer"), "{text}");
}

#[test]
fn development_builds_skip_slow_steps() {
    let steps = vec![Step::Gzip, Step::Rewire, Step::WasmOpt, Step::Audit];
    let budget = Some(pywasm_size::Budget::default());
    let mut asked = Request { steps, require_wasm_opt: true, budget, ..Request::default() };
    assert_eq!(asked.for_development().as_deref(), Some("wasm-opt, gzip, size-budget"));
    assert_eq!(asked.budget, None);
    assert_eq!(
        (&asked.steps[..], asked.require_wasm_opt),
        (&[Step::Rewire, Step::Audit][..], false)
    );
    assert_eq!(asked.for_development(), None);
    assert_eq!(
        Plan::new(&asked, &Surroundings::default(), &ctx(&[])).unwrap().steps,
        [Step::Rewire, Step::Audit]
    );
}

#[test]
fn a_second_run_changes_nothing() {
    let bytes = wat::parse_str(CANISTER).unwrap();
    let steps = [Step::Rewire, Step::Gc, Step::WasmOpt, Step::Strip, Step::Audit, Step::Gzip];
    // This optimizer changes the module each time it runs.
    let script =
        Script::new(VERSION, "cat \"$in\" > \"$out\"; printf '\\0\\3\\1x%s' y >> \"$out\"");
    let plan = plan(&steps, "ic", &script.ctx());
    let once = run(&bytes, &plan).unwrap();
    let again = run(&once.module, &plan).unwrap();
    assert!(again.module == once.module && again.compressed == once.compressed);
    assert_eq!(again.done[2].about, "already optimized");
    // A module that has changed since it was optimized is optimized again.
    let optimize = Plan { steps: vec![Step::WasmOpt], ..plan };
    let marked = run(&bytes, &optimize).unwrap().module;
    let rewired = rewrite::rewire(&marked, &Wire::polyfill(), true).unwrap().module;
    assert_eq!(run(&rewired, &optimize).unwrap().done[0].about, "-Oz by version 108");
}

#[test]
fn audit_uses_names_that_strip_removed() {
    let bytes = wat::parse_str(
        r#"(module (import "env" "gone" (func $gone))
            (func $caller (export "canister_query x") call $gone))"#,
    );
    let bytes = bytes.unwrap();
    let outcome = run(&bytes, &plan(&[Step::Strip, Step::Audit], "ic", &ctx(&[]))).unwrap();
    assert!(outcome.is_rejected());
    let findings = outcome.findings.unwrap();
    assert_eq!(findings[0].code, Code::UndefinedFunction);
    assert!(findings[0].needed_by[0].to_string().contains("caller"), "{:?}", findings[0].needed_by);
    let module = Module::read(&outcome.module).unwrap();
    assert!(module.names().unwrap().is_empty());
}

#[test]
fn unanswered_wasi_import_is_a_warning() {
    let bytes = wat::parse_str(CANISTER.replace("__ic_custom_sched_yield", "other")).unwrap();
    let outcome = run(&bytes, &plan(&[Step::Rewire], "ic", &ctx(&[]))).unwrap();
    let warning = outcome.done[0].warning.as_deref().unwrap();
    assert!(warning.ends_with("the polyfill lacks: sched_yield"), "{warning}");
    assert_eq!(imports(&outcome.module), ["msg_reply", "sched_yield"]);
}

#[test]
fn polyfill_exports_stay_without_rewire() {
    let bytes = wat::parse_str(CANISTER).unwrap();
    let outcome = run(&bytes, &plan(&[Step::Gc], "ic", &ctx(&[]))).unwrap();
    let module = Module::read(&outcome.module).unwrap();
    assert!(module.exports.iter().any(|it| it.name == "__ic_custom_fd_close"));
}

#[test]
fn figures_before_and_after() {
    let bytes = wat::parse_str(CANISTER).unwrap();
    let steps = [Step::Rewire, Step::Gc, Step::Gzip];
    let outcome = run(&bytes, &plan(&steps, "ic", &ctx(&[]))).unwrap();
    let of = |figures: &[Figure], what| {
        figures.iter().find(|it| it.what == what).map(|it| (it.value, it.limit))
    };
    assert_eq!(of(&outcome.before, Limited::Functions), Some((5, Some(50_000))));
    assert_eq!(of(&outcome.after, Limited::Functions), Some((3, Some(50_000))));
    assert_eq!(of(&outcome.before, Limited::GzipSize), None);
    let compressed = outcome.compressed.unwrap().len() as u64;
    assert_eq!(of(&outcome.after, Limited::GzipSize), Some((compressed, None)));
}

#[test]
fn missing_optimizer_is_skipped_or_an_error() {
    let bytes = wat::parse_str(CANISTER).unwrap();
    let empty = tempfile::tempdir().unwrap();
    let ctx = ctx(&[("PATH", empty.path().to_str().unwrap())]);
    let mut optional = plan(&[Step::WasmOpt], "ic", &ctx);
    assert!(optional.text().contains("fetch wasm-opt first"), "{}", optional.text());
    optional.fetch_optimizer(&ctx).unwrap();
    let outcome = run(&bytes, &optional).unwrap();
    assert!(outcome.module == bytes);
    let skipped = outcome.done[0].skipped.as_deref().unwrap();
    assert!(skipped.contains("no `wasm-opt` on PATH") && skipped.contains("offline"), "{skipped}");
    // A required step is added.
    let asked = Request { require_wasm_opt: true, ..Request::default() }.with_implied_steps(false);
    let mut required = Plan::new(&asked, &Surroundings::default(), &ctx).unwrap();
    let error = required.fetch_optimizer(&ctx).unwrap_err();
    assert!(format!("{error:#}").contains("step `wasm-opt` must run"), "{error:#}");
    assert!(pywasm_session::hint_of(&error).unwrap().contains("PYWASM_WASM_OPT"));
}

#[test]
fn path_comes_before_the_store() {
    let of_store = Script::new("wasm-opt version 131", "cat \"$in\" > \"$out\"");
    let root = of_store.path.parent().unwrap();
    let mut ctx = ctx(&[("PATH", "/nowhere")]);
    ctx.store = Store::at(root);
    let kept = ctx.store.entry(pywasm_store::Bucket::Toolchains, "packages-binaryen-131-00000000");
    std::fs::create_dir_all(kept.join("bin")).unwrap();
    let kept = kept.join("bin/wasm-opt");
    // The script is moved rather than copied, so that no process has it open for writing.
    std::fs::rename(&of_store.path, &kept).unwrap();
    let text = plan(&[Step::WasmOpt], "none", &ctx).text();
    assert!(text.contains(&format!("optimize with {kept}, wasm-opt version 131")), "{text}");

    // A working program on PATH is preferred to the one in the store.
    for (version, expected) in [(VERSION, "wasm-opt version 108"), ("42", "wasm-opt version 131")] {
        let on_path = Script::new(version, "cat \"$in\" > \"$out\"");
        let path = format!("{}:/usr/bin:/bin", on_path.path.parent().unwrap());
        ctx.env = Environment::of(&[("PATH", &path)]);
        let text = plan(&[Step::WasmOpt], "none", &ctx).text();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn other_program_named_wasm_opt_is_not_used() {
    let script = Script::new("42", "cat \"$in\" > \"$out\"");
    let dir = script.path.parent().unwrap().as_str();
    let path = format!("{dir}:/usr/bin:/bin");
    let on_path = ctx(&[("PATH", path.as_str())]);
    let text = plan(&[Step::WasmOpt], "none", &on_path).text();
    assert!(text.contains("fetch wasm-opt first") && text.contains("is not Binaryen's"), "{text}");
    // A program that is specified explicitly must work.
    let asked = Request { steps: vec![Step::WasmOpt], ..Request::default() };
    for named in [script.path.as_str(), "/nowhere/wasm-opt"] {
        let named = ctx(&[("PYWASM_WASM_OPT", named), ("PATH", "/usr/bin:/bin")]);
        let error =
            format!("{:#}", Plan::new(&asked, &Surroundings::default(), &named).unwrap_err());
        assert!(error.contains("PYWASM_WASM_OPT"), "{error}");
    }
}

#[test]
fn failing_optimizer_shows_its_output() {
    let bytes = wat::parse_str(CANISTER).unwrap();
    let script = Script::new(VERSION, "echo 'Fatal: no such feature' >&2; exit 3");
    let source = script.run(&bytes).unwrap_err();
    let error = format!("{source:#}");
    for word in ["step `wasm-opt`", "exit status: 3", "Fatal: no such feature"] {
        assert!(error.contains(word), "{word} in {error}");
    }
    assert!(pywasm_session::hint_of(&source).is_some());
}

#[test]
fn broken_results_of_an_optimizer_are_refused() {
    let bytes = wat::parse_str(CANISTER).unwrap();
    let other = wat::parse_str(r#"(module (import "env" "new" (func)))"#).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let other_path = dir.path().join("other.wasm");
    std::fs::write(&other_path, other).unwrap();
    let exports = format!("cat '{}' > \"$out\"", other_path.display());
    for (body, expected) in [
        ("echo garbage > \"$out\"", "the result is invalid"),
        ("head -c 40 \"$in\" > \"$out\"", "the result is invalid"),
        ("true", "wrote no module"),
        (exports.as_str(), "the result has different exports"),
    ] {
        let error = format!("{:#}", Script::new(VERSION, body).run(&bytes).unwrap_err());
        assert!(error.contains(expected), "{expected} in {error}");
    }
}

#[test]
fn optimizer_gets_proposals_and_a_listed_environment() {
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
    // Cargo sets this variable for every test.
    assert!(std::env::var_os("CARGO_PKG_NAME").is_none() || !env.contains("CARGO_PKG_NAME"));
    assert!(env.contains("BINARYEN_CORES=") && env.contains("PATH="), "{env}");
    assert_eq!(outcome.done[0].about, "-Oz by version 108");
}

/// Needs Binaryen on `PATH`.
#[test]
fn real_optimizer_is_idempotent() {
    let path = std::env::var("PATH").unwrap_or_default();
    let ctx = ctx(&[("PATH", path.as_str())]);
    let plan = plan(&[Step::WasmOpt, Step::Strip], "none", &ctx);
    if !matches!(plan.optimizer, Some(Optimizer::Found(_))) {
        eprintln!("skipped: there is no wasm-opt on PATH");
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
fn other_bytes_are_refused() {
    for bytes in [&b""[..], b"\0asm\x01\0\0\0\x02\x01", b"garbage!"] {
        assert!(run(bytes, &plan(&[Step::Gc], "none", &ctx(&[]))).is_err(), "{bytes:?}");
    }
}

#[test]
fn gzip_limit_applies_to_the_compressed_module() {
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
