//! Tests of commands, messages and exit codes, and of the guide's pages that list them.

use std::process::{Command, Output};

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_tests::utf8;

use crate::binary;

struct Bench {
    _dir: tempfile::TempDir,
    root: Utf8PathBuf,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = utf8(&dir.path().canonicalize().unwrap());
        Self { _dir: dir, root }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .arg("pywasm")
            .args(args)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("PYWASM_STORE", self.root.join("store"))
            .env("PYWASM_APT_SOURCES", self.root.join("no-apt"))
            .env("PYWASM_UPSTREAM", "http://127.0.0.1:1")
            .current_dir(&self.root);
        command
    }

    fn call(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.call(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a command that must fail, and returns its exit code and stderr.
    fn fails(&self, args: &[&str]) -> (i32, String) {
        let output = self.call(args);
        assert!(!output.status.success(), "{args:?} succeeded");
        (output.status.code().unwrap(), text(&output.stderr))
    }

    /// Creates an installation that has only a manifest.
    fn install(&self, version: &str, recipe: &str) -> Utf8PathBuf {
        let series = version.rsplit_once('.').unwrap().0;
        let name = format!("cpython-{version}-wasm32-wasip1-{recipe}-0a1b2c3d");
        let root = self.root.join("store/data/installs-v0").join(name);
        std::fs::create_dir_all(&root).unwrap();
        let manifest = format!(
            r#"{{"version": 2, "python": {{"version": "{version}", "series": "{series}"}},
                "recipe": {{"name": "{recipe}"}}, "toolchain": {{"root": "/it's a sdk", "clang": "clang 22"}}}}"#
        );
        std::fs::write(root.join("manifest.json"), manifest).unwrap();
        root
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn page(name: &str) -> String {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(name)).unwrap()
}

#[test]
fn guide_lists_commands_and_variables() {
    let guide = page("docs/guide/cli.md");
    let help = Bench::new().ok(&["--help"]);
    let (groups, _) = help.split_once("Global options:").unwrap();
    let names: Vec<&str> = groups
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() >= 12, "{names:?}");
    for name in names {
        assert!(guide.contains(&format!("`cargo pywasm {name}`")), "{name} is not in the guide");
    }
    for (variable, _) in pywasm_session::variables::DOCUMENTED {
        assert!(guide.contains(&format!("`{variable}`")), "{variable} is not in the guide");
    }
}

#[test]
fn recipe_of_the_guide_is_valid() {
    let guide = page("docs/guide/recipes.md");
    let example = guide.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let bench = Bench::new();
    std::fs::write(bench.root.join("mine.toml"), example).unwrap();
    bench.ok(&["recipe", "check", "mine.toml"]);
    assert!(bench.ok(&["recipe", "show", "mine.toml"]).contains("opt-level = \"2\""));
}

#[test]
fn guide_lists_recipe_keys() {
    let guide = page("docs/guide/recipes.md");
    let full = Bench::new().ok(&["recipe", "show", "default"]);
    let (mut table, mut count) = (String::new(), 0);
    for line in full.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = format!("{}.", name.trim_end_matches(']'));
        } else if let Some((key, _)) = line.split_once(" = ") {
            // The keys of this table are the names of libraries, which have a table of their own.
            let key = if table == "libraries." { key.to_owned() } else { format!("{table}{key}") };
            assert!(guide.contains(&format!("| `{key}` |")), "{key}");
            count += 1;
        }
    }
    assert!(count >= 10, "{full}");
}

#[test]
fn guide_lists_actions_and_cache_options() {
    let guide = page("docs/guide/cli.md");
    let bench = Bench::new();
    for command in ["cache", "recipe", "toolchain"] {
        let help = bench.ok(&[command, "--help"]);
        let actions = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
        let row =
            guide.lines().find(|line| line.starts_with(&format!("| `cargo pywasm {command}`")));
        for line in
            actions.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        {
            let action = line.split_whitespace().next().unwrap();
            assert!(action == "help" || row.unwrap().contains(action), "{command} {action}");
        }
    }
    for option in ["--downloads", "--toolchains", "--sources", "--builds", "--older-than"] {
        assert!(guide.contains(option), "{option} of cache is not in the guide");
    }
}

#[test]
fn bad_recipe_is_reported_with_its_line() {
    let bench = Bench::new();
    std::fs::write(bench.root.join("bad.toml"), "schema = 1\nname = \"x\"\ncolour = \"red\"\n")
        .unwrap();
    let (code, stderr) = bench.fails(&["recipe", "check", "bad.toml", "default"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("line 3") && stderr.contains("colour"), "{stderr}");
}

#[test]
fn invalid_arguments_exit_with_2() {
    let bench = Bench::new();
    for args in [&["frobnicate"][..], &["install", "--python", "2.7"], &["recipe", "show", "no"]] {
        assert_eq!(bench.fails(args).0, 2, "{args:?}");
    }
}

#[test]
fn unsupported_wasm_feature_fails_before_build() {
    let bench = Bench::new();
    let write = |name: &str, text: &str| {
        let path = bench.root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "Cargo.toml",
        "[package]\nname = \"mine\"\nedition = \"2024\"\n[workspace]\n\
         [package.metadata.pywasm]\nrecipe = \"tail.toml\"\npolicy = \"ic\"\n",
    );
    write("src/lib.rs", "");
    write(
        "tail.toml",
        "schema = 1\nname = \"tail\"\ndescription = \"d\"\npython = \"3.13\"\n\
         [build]\nfeatures = [\"simd128\", \"tail-call\"]\n",
    );
    for words in [&["install", "--dry-run"][..], &["install"], &["build"]] {
        // The tool needs Cargo to read the crate's settings.
        let output = bench.command(words).env("CARGO", env!("CARGO")).output().unwrap();
        let (code, stderr) = (output.status.code(), text(&output.stderr));
        let message = "recipe `tail` uses `tail-call`, which policy `ic` does not allow";
        assert!(code == Some(2) && stderr.contains(message), "{words:?}: {stderr}");
    }
    assert!(!bench.root.join("store/cache").exists());
}

#[test]
fn dry_run_prints_the_plan_only() {
    let bench = Bench::new();
    let plan = bench.ok(&["install", "--dry-run", "--recipe", "full"]);
    for word in ["cpython-3.13.15-wasm32-wasip1-full", "to do", "toolchain", "configure", "verify"]
    {
        assert!(plan.contains(word), "{word} in {plan}");
    }
    assert!(!bench.root.join("store").exists());
}

#[test]
fn install_without_toolchain_lists_sources() {
    let bench = Bench::new();
    let (code, stderr) = bench.fails(&["install"]);
    assert_eq!(code, 2);
    for word in ["path:", "store:", "official:", "packages:", "hint: "] {
        assert!(stderr.contains(word), "{word} in {stderr}");
    }
    assert!(!bench.root.join("store/data/installs-v0").exists());
}

#[test]
fn offline_install_names_what_is_missing() {
    let (code, stderr) = Bench::new().fails(&["install", "--offline"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("no toolchain in the store"), "{stderr}");
}

#[test]
fn invalid_sdk_is_not_replaced_by_a_download() {
    let bench = Bench::new();
    let (_, stderr) = bench.fails(&["install", "--wasi-sdk", "."]);
    assert!(stderr.contains("bin/clang"), "{stderr}");
    assert!(!stderr.contains("official"), "{stderr}");
}

#[test]
fn build_python_of_another_series_is_refused() {
    let bench = Bench::new();
    let (_, stderr) = bench.fails(&["install", "--build-python", "/bin/true"]);
    assert!(stderr.contains("build Python") && stderr.contains("3.13"), "{stderr}");
}

#[test]
fn uninstall_accepts_any_unambiguous_name() {
    let bench = Bench::new();
    let full = bench.install("3.13.15", "full");
    bench.install("3.13.5", "default");
    bench.install("3.13.5", "full");
    let list = bench.ok(&["list"]);
    assert!(list.starts_with("3.13.15"), "newest first: {list}");
    assert_eq!(list.lines().count(), 3);
    assert!(list.contains("default") && list.contains("clang 22"), "{list}");

    let (_, stderr) = bench.fails(&["uninstall", "full"]);
    assert!(
        stderr.contains("use one of these names") && stderr.contains("cpython-3.13.15"),
        "{stderr}"
    );
    bench.ok(&["uninstall", "3.13.15", "--dry-run"]);
    assert!(full.exists());
    bench.ok(&["uninstall", "3.13.15"]);
    assert!(!full.exists());
    bench.ok(&["uninstall", "--all"]);
    assert_eq!(bench.ok(&["list"]), "");
    assert!(bench.fails(&["uninstall", "full"]).1.contains("no installation matches `full`"));
}

#[test]
fn missing_installation_has_install_hint() {
    let bench = Bench::new();
    bench.install("3.13.15", "default");
    let (_, stderr) = bench.fails(&["env", "--python", "3.14", "--recipe", "full"]);
    assert!(stderr.contains("cargo pywasm install --python 3.14 --recipe full"), "{stderr}");
}

#[test]
fn shell_reads_back_env_output() {
    let bench = Bench::new();
    let root = bench.install("3.13.15", "default");
    let script =
        format!("{}\nprintf %s \"$WASI_SDK_PATH:$PYWASM_INSTALLATION\"", bench.ok(&["env"]));
    let output = Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
    assert_eq!(text(&output.stdout), format!("/it's a sdk:{root}"));
    let json: serde_json::Value =
        serde_json::from_str(&bench.ok(&["env", "--format", "json"])).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["reason"], "environment");
    assert_eq!(json["variables"]["PYWASM_INSTALLATION"], root.as_str());
    // With this variable, the cc crate splits flags as a shell does. The next lines do the same by
    // passing the flags to a shell.
    assert_eq!(json["variables"]["CC_SHELL_ESCAPED_FLAGS"], "1");
    let flags = json["variables"]["CFLAGS_wasm32_wasip1"].as_str().unwrap();
    let script = format!("printf '%s\\n' {flags}");
    let output = Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
    assert_eq!(
        text(&output.stdout).lines().next(),
        Some("--sysroot=/it's a sdk/share/wasi-sysroot")
    );
    assert_eq!(text(&output.stdout).lines().count(), 2, "one line per flag");
}

#[test]
fn env_warns_about_missing_toolchain() {
    let bench = Bench::new();
    bench.install("3.13.15", "default");
    let output = bench.call(&["env"]);
    assert!(
        text(&output.stderr).contains("is no longer in `/it's a sdk`"),
        "{}",
        text(&output.stderr)
    );
    assert!(output.status.success() && !text(&output.stdout).contains("warning"));
}

#[test]
fn broken_installation_can_be_uninstalled() {
    let bench = Bench::new();
    bench.install("3.13.15", "default");
    let broken = bench.root.join("store/data/installs-v0/cpython-3.14.7-wasm32-wasip1-x-ffffffff");
    std::fs::create_dir_all(&broken).unwrap();
    let (_, stderr) = bench.fails(&["list"]);
    assert!(
        stderr.contains("manifest.json") && stderr.contains("cargo pywasm uninstall"),
        "{stderr}"
    );
    bench.ok(&["uninstall", "cpython-3.14.7-wasm32-wasip1-x-ffffffff"]);
    assert!(!broken.exists());
    assert_eq!(bench.ok(&["list"]).lines().count(), 1);
}

#[test]
fn json_messages_are_one_per_line() {
    let bench = Bench::new();
    bench.install("3.13.15", "default");
    for args in [
        &["list"][..],
        &["recipe", "list"],
        &["install", "--dry-run"],
        &["doctor", "--offline"],
        &["env"],
        &["cache", "dir"],
    ] {
        let args = [args, &["--message-format", "json"]].concat();
        let stdout = text(&bench.call(&args).stdout);
        assert!(!stdout.is_empty(), "{args:?}");
        for line in stdout.lines() {
            let message: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(message["version"], 1, "{line}");
            assert!(message["reason"].is_string(), "{line}");
        }
    }
}

#[test]
fn prune_keeps_recent_staging_directories() {
    let bench = Bench::new();
    let cache = bench.root.join("store/cache");
    for dir in ["sources-v9/old", "staging-v0/new"] {
        std::fs::create_dir_all(cache.join(dir)).unwrap();
    }
    bench.ok(&["cache", "prune"]);
    assert!(!cache.join("sources-v9").exists());
    assert!(cache.join("staging-v0/new").exists(), "a running process may be at work in it");
}

#[test]
fn completions_and_man_pages_are_written() {
    let bench = Bench::new();
    assert!(bench.ok(&["completions", "bash"]).contains("cargo-pywasm"));
    bench.ok(&["man", "man1"]);
    assert!(bench.root.join("man1").read_dir_utf8().unwrap().count() >= 12);
    let page = std::fs::read_to_string(bench.root.join("man1/cargo-pywasm.1")).unwrap();
    assert!(page.contains("Exit status"), "{page}");
    for (variable, _) in pywasm_session::variables::DOCUMENTED {
        assert!(page.contains(variable), "{variable} is not in the manual");
    }
}
