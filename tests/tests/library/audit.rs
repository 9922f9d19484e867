//! Tests the audit on a corpus of wasm modules in text form. Next to each module is a golden
//! report.
//!
//! A comment in each module specifies the policy, as in `;; policy: ic`. The policy can also be the
//! name of a file next to the module. `PYWASM_UPDATE_GOLDENS=1 cargo test --package pywasm-tests
//! --test library audit` updates the reports.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use camino::Utf8PathBuf;
use pywasm_audit::report::{Audited, Format, Style, report};
use pywasm_audit::{self as audit, Baseline, Code, Finding, Given, Policy};
use pywasm_rewrite as rewrite;
use pywasm_runtime::{End, Program, Runtime};
use pywasm_stubs::{Behaviour, Binding, Link, Rules, TrapReporter, ValType, Writer};
use pywasm_tests::{Fresh, utf8};
use pywasm_wasm::Module;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/audit")
}

/// Returns the modules in the corpus, sorted.
fn modules() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(corpus()).expect("the corpus");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "wat"));
    found.sort();
    found
}

fn audited(path: &Path) -> Audited {
    let text = std::fs::read_to_string(path).expect("a file");
    let policy = text.lines().find_map(|line| line.strip_prefix(";; policy: "));
    let policy = policy.unwrap_or_else(|| panic!("{} names no policy", path.display()));
    let dir = utf8(&corpus());
    let policy = Policy::load(policy, &dir).expect("a policy");
    let bytes = wat::parse_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let given = Given { compressed: Some(bytes.len()), ..Given::default() };
    let module = Module::read(&bytes).expect("a module");
    let findings = audit::module(&module, given, &policy).expect("an audit");
    named(
        path.file_name().map_or_else(Utf8PathBuf::new, |name| name.to_str().expect("UTF-8").into()),
        &policy,
        findings,
    )
}

fn named(name: Utf8PathBuf, policy: &Policy, findings: Vec<Finding>) -> Audited {
    Audited { name, policy: policy.name.clone(), findings, accepted: 0, pulled: None }
}

fn render(audited: &[Audited], format: Format) -> String {
    report(audited, format, Style::default())
}

#[test]
fn corpus_matches_golden_reports() {
    let update = std::env::var_os("PYWASM_UPDATE_GOLDENS").is_some();
    for path in modules() {
        let actual = render(&[audited(&path)], Format::Human);
        let golden = path.with_extension("txt");
        if update {
            std::fs::write(&golden, &actual).expect("a file");
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(actual, expected, "{}", path.display());
    }
}

#[test]
fn every_code_has_a_finding() {
    let mut found: BTreeSet<Code> = object_findings().iter().map(|it| it.code).collect();
    for path in modules() {
        found.extend(audited(&path).findings.iter().map(|it| it.code));
    }
    assert_eq!(found, Code::ALL.into_iter().collect());
}

/// Returns the findings that are possible only for object files, before linking.
fn object_findings() -> Vec<Finding> {
    let object = |name: &str, params: &[ValType]| {
        let mut writer = Writer::new();
        let helper = writer.undefined_function("helper", params, &[]);
        writer.undefined_function("mpd_add", &[ValType::I32; 4], &[]);
        writer.imported_function("wasi_snapshot_preview1", "sched_yield", &[], &[]);
        writer.imported_function("host", "log", &[], &[]);
        writer.undefined_data("environment");
        let code = pywasm_stubs::Code::new().call(helper);
        writer.function(name, Binding::Global, &[], &[], code);
        writer.finish()
    };
    let mut link = Link::new();
    link.object("one.o", &object("one", &[])).expect("an object");
    link.object("two.o", &object("two", &[ValType::I32])).expect("an object");
    audit::link(&link.closure(), &Policy::load("wasip1", "".into()).expect("a policy"))
}

#[test]
fn object_findings_name_their_members() {
    let policy = Policy::load("wasip1", "".into()).expect("a policy");
    let golden = corpus().join("objects.txt");
    let actual = render(&[named("link set".into(), &policy, object_findings())], Format::Human);
    if std::env::var_os("PYWASM_UPDATE_GOLDENS").is_some() {
        std::fs::write(&golden, &actual).expect("a file");
    }
    assert_eq!(actual, std::fs::read_to_string(golden).unwrap_or_default());
}

#[test]
fn all_formats_have_the_same_findings() {
    let all: Vec<Audited> = modules().iter().map(|path| audited(path)).collect();
    let count: usize = all.iter().map(|one| one.findings.len()).sum();
    let json: serde_json::Value = serde_json::from_str(&render(&all, Format::Json)).expect("JSON");
    let lists = json["audited"].as_array().expect("a list");
    let listed = lists.iter().map(|one| one["findings"].as_array().expect("a list").len());
    assert_eq!((json["version"].as_u64(), listed.sum()), (Some(1), count));

    let sarif: serde_json::Value =
        serde_json::from_str(&render(&all, Format::Sarif)).expect("JSON");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("a list");
    let results = run["results"].as_array().expect("a list");
    let most = "Most of it: 13 bytes, 1 function: second; 4 bytes, 1 function: first.";
    assert!(run["results"].to_string().contains(most), "{results:?}");
    assert_eq!((sarif["version"].as_str(), results.len()), (Some("2.1.0"), count));
    for result in results {
        let rule = &rules
            [usize::try_from(result["ruleIndex"].as_u64().expect("a number")).expect("small")];
        assert_eq!(rule["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert!(place.as_str().is_some_and(|place| place.ends_with(".wat")), "{place}");
    }

    let github = render(&all, Format::Github);
    assert!(
        github.contains(most) && json.to_string().contains("\"notes\":[\"13 bytes, "),
        "{json}"
    );
    let lines = github
        .lines()
        .filter(|line| line.starts_with("::error ") || line.starts_with("::warning "));
    assert_eq!(lines.count(), count);
}

#[test]
fn annotations_are_escaped() {
    let policy = Policy::default();
    let findings = audited(&corpus().join("undefined-function.wat")).findings;
    let mut one = named("a:b,c%.wasm".into(), &policy, findings);
    one.findings.truncate(1);
    one.findings[0].message = "first\nsecond".to_owned();
    let text = render(&[one], Format::Github);
    assert!(
        text.starts_with("::error file=a%3Ab%2Cc%25.wasm,title=undefined-function%3A env."),
        "{text}"
    );
    assert!(text.lines().next().is_some_and(|line| line.contains("first%0Asecond")), "{text}");
}

#[test]
fn baseline_accepts_listed_findings_only() {
    let findings = audited(&corpus().join("undefined-function.wat")).findings;
    let (old, new) = findings.split_at(2);
    let dir = tempfile::tempdir().expect("a directory");
    let path = utf8(&dir.path().join("baseline.json"));
    Baseline::of(old).write(&path).expect("written");
    let baseline = Baseline::read(&path).expect("read");
    assert_eq!(baseline, Baseline::of(old));
    assert_eq!(baseline.split(findings.clone()), (new.to_vec(), 2));
    assert_eq!((baseline.unused(&findings), baseline.unused(new)), (0, 2));
    std::fs::write(&path, "{\"version\": 2, \"accepted\": []}").expect("written");
    assert!(Baseline::read(&path).is_err());
}

#[test]
fn invalid_policy_is_an_error() {
    let refused = |text: &str| format!("{:#}", Policy::parse(text, true).expect_err("refused"));
    for (text, why) in [
        ("", "schema"),
        ("schema = 2", "the schema is 2"),
        ("schema = 1\nextends = \"wasip9\"", "no built-in policy `wasip9`"),
        ("schema = 1\nalow = []", "unknown field `alow`"),
        ("schema = 1\nallow = [\"[\"]", "allow"),
        ("schema = 1\n[functions.a]\nb = \"int\"", "did not match"),
        ("schema = 1\nfeatures = [\"teleport\"]", "no proposal `teleport`"),
        ("schema = 1\n[limits]\nweight = 1", "unknown variant `weight`"),
        ("schema = 1\n[exports.required]\nrun = \"void\"", "`void` is neither a function type"),
    ] {
        assert!(refused(text).contains(why), "{text}: {}", refused(text));
    }
}

/// Checks that a wasm module runs if it imports every function that the policy `wasip1` allows,
/// each with the type that the policy specifies.
#[test]
fn runtime_provides_every_import_of_wasip1() {
    let policy = Policy::load("wasip1", "".into()).expect("a policy");
    let (module, functions) = policy.functions.first_key_value().expect("a module");
    assert_eq!(functions.len(), 46);
    let imports: String = functions
        .iter()
        .map(|(name, function)| {
            let signature = function.ty.signature(false);
            let list = |word: &str, types: &[ValType]| -> String {
                types.iter().map(|ty| format!("({word} {ty})")).collect()
            };
            let (params, results) =
                (list("param", &signature.params), list("result", &signature.results));
            format!("(import \"{module}\" \"{name}\" (func {params} {results}))\n")
        })
        .collect();
    let bytes = wat::parse_str(format!(
        "(module {imports} (memory (export \"memory\") 1) (func (export \"_start\")))"
    ));
    let bytes = bytes.expect("a module");
    let found = audit::module(&Module::read(&bytes).expect("a module"), Given::default(), &policy);
    assert_eq!(found.expect("an audit"), []);
    assert_eq!(run(&bytes).0, End::Exit(0));
}

/// Runs a program, and returns its output and how it ended.
fn run(module: &[u8]) -> (End, String) {
    let fresh = Fresh::new(&[]);
    let path = fresh.root().join("program.wasm");
    std::fs::write(&path, module).expect("a file");
    let runtime = Runtime::new(&fresh.ctx).expect("a runtime");
    let module = runtime.load(&path).expect("a module that the host takes");
    let ended = runtime.capture(&module, &Program::new("program")).expect("it is instantiated");
    (ended.end.clone(), ended.text())
}

#[test]
fn stub_in_finished_module_names_itself() {
    let module = wat::parse_str(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write"
                (func $write (param i32 i32 i32 i32) (result i32)))
            (import "env" "gone" (func $gone (param f64) (result i64)))
            (memory (export "memory") 1)
            (func (export "_start") f64.const 1 call $gone drop))"#,
    );
    let (module, rules) = (module.expect("a module"), Rules::default());
    let policy = Policy::load("wasip1", "".into()).expect("a policy");
    let stub = |module: &[u8], reporter| {
        rewrite::stub(module, &policy, &rules, Some(Behaviour::Trap), reporter).expect("a stub")
    };
    let (end, text) = run(&stub(&module, TrapReporter::Wasi).module);
    assert!(matches!(&end, End::Trap(why) if why.contains("in gone")), "{end:?}");
    assert_eq!(text, "stub `gone` was called: the real function was not linked\n");
    let (end, text) = run(&stub(&module, TrapReporter::Silent).module);
    assert!(matches!(&end, End::Trap(why) if why.contains("in gone")), "{end:?}");
    assert_eq!(text, "");
}
