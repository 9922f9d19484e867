//! Compares the commands, policies and tables in the guide with the tool.

use std::path::Path;
use std::process::Command;

use pywasm_audit::{Code, Policy};
use pywasm_size::{Budget, By, Kind};
use pywasm_stubs::{Binding, Code as Body, Member, ValType, Writer, archive};

use crate::binary;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    std::fs::read_to_string(path).expect("a page")
}

/// Returns a page's code blocks in `language`.
fn fenced<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    let parts = page.split(begin.as_str()).skip(1);
    parts.map(|part| part.split("```").next().unwrap_or_default()).collect()
}

/// Creates the files that the guide's commands use: wasm modules, objects, archives and a crate.
fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(path, bytes).expect("a file");
    };
    let module = wat::parse_str(
        r#"(module (import "env" "gone" (func (param i32))) (memory (export "memory") 1)
            (func (export "_start") i32.const 0 call 0))"#,
    );
    let module = module.expect("a module");
    write("my.wasm", &module);
    write("old.wasm", &module);
    write("target/wasm32-wasip1/debug/mine.wasm", &module);
    write("Cargo.toml", b"[package]\nname = \"mine\"\nedition = \"2024\"\n[workspace]\n");
    write("src/main.rs", b"fn main() {}\n");
    let object = |defines: &str, needs: &str| {
        let mut writer = Writer::new();
        writer.undefined_function(needs, &[ValType::I32], &[ValType::I32]);
        writer.function(defines, Binding::Global, &[], &[], Body::new());
        writer.finish()
    };
    write("main.o", &object("main", "mine"));
    for (name, defines, needs) in [
        ("libmine.a", "mine", "getlogin"),
        ("libother.a", "other", "mine"),
        ("libc.a", "exit", "f"),
    ] {
        let member = Member { name: format!("{defines}.o"), bytes: object(defines, needs) };
        write(name, &archive(&[member]));
    }
    dir
}

#[test]
fn commands_of_the_guide_succeed() {
    let dir = place();
    let mut count = 0;
    for name in ["docs/guide/audit.md", "docs/guide/ci.md", "docs/guide/size.md"] {
        let page = page(name);
        for line in fenced(&page, "sh").into_iter().flat_map(str::lines) {
            let line = line.split(" #").next().unwrap_or_default();
            let (line, target) = line.split_once(" > ").unwrap_or((line, ""));
            let words = line.strip_prefix("cargo pywasm ").expect("a command").split_whitespace();
            // The quotes are removed, as a shell would remove them.
            let words: Vec<String> = words.map(|word| word.replace('\'', "")).collect();
            let output = Command::new(binary())
                .args(&words)
                .current_dir(dir.path())
                .env("PYWASM_STORE", dir.path().join("store"))
                .env_remove("RUSTFLAGS")
                .env_remove("CARGO_TARGET_DIR")
                .output()
                .expect("the tool");
            let code = output.status.code();
            assert!(
                matches!(code, Some(0 | 1)),
                "{line}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            let is_json = target.trim().ends_with(".json");
            assert!(
                !is_json || serde_json::from_slice::<serde_json::Value>(&output.stdout).is_ok()
            );
            count += 1;
        }
    }
    assert!(count >= 12, "{count}");
}

#[test]
fn guide_has_valid_budget_and_lists_kinds() {
    #[derive(serde::Deserialize)]
    struct Table {
        #[serde(rename = "size-budget")]
        budget: Budget,
    }
    let page = page("docs/guide/size.md");
    let table = fenced(&page, "toml")[0].lines().find(|line| line.starts_with("size-budget"));
    let read: Table = toml::from_str(table.expect("a budget")).expect("a budget");
    assert_eq!(read.budget.limits.len(), 5);
    for by in By::all() {
        assert!(page.contains(&format!("| `{by}` |")), "{by}");
    }
    assert!(Kind::ALL.iter().all(|kind| page.contains(&format!("`{}`", kind.word()))));
}

#[test]
fn policy_of_the_guide_is_valid() {
    let page = page("docs/guide/audit.md");
    let policy = Policy::parse(fenced(&page, "toml")[0], true).expect("a policy");
    assert_eq!(policy.name, "my-host");
    assert!(policy.has("my_host", "put") && !policy.has("wasi_snapshot_preview1", "sock_send"));
}

#[test]
fn guide_lists_codes_limits_and_behaviours() {
    let page = page("docs/guide/audit.md");
    for code in Code::ALL {
        assert!(page.contains(&format!("`{code}`")), "{code}");
    }
    let mut limits = Policy::limit_names();
    assert!(limits.all(|name| page.contains(&format!("`{name}`"))), "{limits:?}");
    for behaviour in ["trap", "errno", "null", "value=N", "python-error", "import-error", "shim"] {
        assert!(page.contains(&format!("`{behaviour}`")), "{behaviour}");
    }
    assert_eq!(Policy::builtin_names().count(), 3);
}

/// Runs the script of the GitHub action as GitHub does: the inputs are environment variables.
#[test]
fn action_fails_on_findings_and_writes_sarif() {
    let action = page("action.yml");
    let script = action.rsplit("      run: |\n").next().expect("a script");
    let script: String =
        script.lines().map(|line| line.trim_start_matches("        ").to_owned() + "\n").collect();
    let dir = place();
    let run = |files: &str, policy: &str| {
        Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script])
            .current_dir(dir.path())
            .env("PYWASM", binary())
            .envs([("FILES", files), ("POLICY", policy), ("BASELINE", ""), ("SARIF", "a.sarif")])
            .env("PYWASM_STORE", dir.path().join("store"))
            .output()
            .expect("bash")
    };
    let output = run("my.wasm\n", "");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        text.starts_with("::error file=my.wasm,title=undefined-function%3A env.gone::"),
        "{text}"
    );
    let sarif = std::fs::read(dir.path().join("a.sarif")).expect("a report");
    let sarif: serde_json::Value = serde_json::from_slice(&sarif).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "undefined-function");
    // An input that looks like an option is still a file name. A missing file is an error (2), not
    // a finding (1).
    assert_eq!(run("--help", "").status.code(), Some(2));
    assert_eq!(run("my.wasm", "$(touch injected)").status.code(), Some(2));
    assert!(!dir.path().join("injected").exists());
}
