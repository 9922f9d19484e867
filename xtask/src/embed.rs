//! Crates with Python inside, as their users have them: the examples, what `new` makes, and the
//! commands of the guide. Each is built, run and tested by plain Cargo.

use std::path::{Path, PathBuf};

use xshell::Shell;

use crate::canister;
use crate::e2e::source_tree;
use crate::one_file;
use crate::tool::{Tool, root};

/// What `new` can make, and the Cargo command that shows that it works.
const TEMPLATES: [(&str, &[&str]); 3] =
    [("command", &["run", "test"]), ("reactor", &["build", "test"]), ("capi", &["run", "test"])];

/// All of it. `sources` is CPython's source tree.
pub(crate) fn run(tool: &Tool<'_>, sources: &Path) -> anyhow::Result<()> {
    for example in &examples()? {
        let name = example.file_name().unwrap_or_default().display();
        eprintln!("\n   -- examples/{name}");
        tool.call_in(example, &["install"])?;
        for words in [
            &["fmt", "--check"][..],
            &["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"],
            &["test", "--quiet"],
            &["run", "--quiet"],
        ] {
            tool.cargo(example, words)?;
        }
        touching_nothing_rebuilds_nothing(tool, example)?;
    }
    cpythons_own_test_copy(tool, sources)?;
    one_libc(tool)?;
    frozen(tool)?;
    templates(tool)?;
    started_already(tool)?;
    one_file::run(tool, sources)?;
    canister::run(tool)?;
    guide(tool)
}

/// All of it, in the store of `e2e`.
pub(crate) fn alone() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let tool = Tool::build(&shell, &root().join("target/e2e-store"))?;
    let full = tool.install(&["--recipe", "full"])?;
    run(&tool, &source_tree(&tool, &full)?)
}

/// Every example, sorted.
fn examples() -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("examples"))? {
        let dir = entry?.path();
        if dir.join("Cargo.toml").is_file() {
            found.push(dir);
        }
    }
    // No Cargo runs or tests a canister, which has a host of its own, or an interpreter that waits for a
    // program: they have steps of their own.
    found.retain(|dir| !dir.ends_with("canister") && !dir.ends_with("python"));
    found.sort();
    anyhow::ensure!(!found.is_empty(), "there are no examples");
    Ok(found)
}

fn touching_nothing_rebuilds_nothing(tool: &Tool<'_>, dir: &Path) -> anyhow::Result<()> {
    tool.cargo(dir, &["build", "--quiet"])?;
    let said = tool.cargo_says(dir, &["build"])?;
    anyhow::ensure!(!said.contains("Compiling"), "built again for nothing:\n{said}");
    Ok(())
}

/// CPython's `test_copy` on `examples/deepcopy`, as its README says.
fn cpythons_own_test_copy(tool: &Tool<'_>, sources: &Path) -> anyhow::Result<()> {
    eprintln!("\n   -- CPython's own test_copy on examples/deepcopy");
    let dir = root().join("examples/deepcopy");
    let library = format!("{}::/cpython:ro", sources.join("Lib").display());
    let words = ["run", "--dir", &library, "--release", "--quiet", "--", "python/run_test_copy.py"];
    tool.call_in(&dir, &words)
}

/// The module that notices a wrong libc, with the Rust at hand and with the one that is taken
/// where rustup has no road to the target: their libcs are years apart.
fn one_libc(tool: &Tool<'_>) -> anyhow::Result<()> {
    let dir = root().join("tests/module");
    tool.call_in(&dir, &["install"])?;
    for words in
        [&["fmt", "--check"][..], &["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"]]
    {
        tool.cargo(&dir, words)?;
    }
    let rustc = PathBuf::from(tool.call(&["toolchain", "rust"]).read()?);
    let rustdoc = rustc.with_file_name("rustdoc");
    let target = |name: &str| root().join("target").join(name);
    let (usual, packages) = (target("embed"), target("embed-packages"));
    let other: [(&str, &Path); 3] =
        [("RUSTC", &rustc), ("RUSTDOC", &rustdoc), ("CARGO_TARGET_DIR", &packages)];
    for (name, variables, target) in
        [("the Rust at hand", &[][..], &usual), ("the distribution's Rust", &other, &packages)]
    {
        eprintln!("\n   -- one libc with {name}");
        tool.cargo_with(&dir, &["test", "--quiet"], variables)?;
        tool.cargo_with(&dir, &["build", "--quiet"], variables)?;
        let module = target.join("wasm32-wasip1/debug/one_libc.wasm").display().to_string();
        let mut words = vec!["run-wasm"];
        let calls = ["starts", "count", "count", "collect", "collect", "starts"];
        words.extend(calls.iter().flat_map(|call| ["--invoke", *call]));
        words.push(&module);
        let told = tool.call(&words).read()?;
        anyhow::ensure!(told == "1\n1\n2\n3\n3\n1", "the reactor says {told:?}");
    }
    Ok(())
}

/// A command and a reactor of which snapshots are made, by one key in their tables.
fn started_already(tool: &Tool<'_>) -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    for (template, args, said) in [
        ("capi", &[][..], "Rust read 42"),
        ("reactor", &["--invoke", "add(40)", "--invoke", "add(2)"], "40\n42"),
    ] {
        eprintln!("\n   -- a snapshot of template {template}");
        tool.call_in(place.path(), &["new", "--template", template, "--recipe", "full", template])?;
        let dir = place.path().join(template);
        let manifest = dir.join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest)?;
        let table = "[package.metadata.pywasm]\n";
        let with = format!("{table}snapshot = {{ imports = [\"json\", \"random\"] }}\n");
        std::fs::write(&manifest, text.replace(table, &with))?;
        let module = canister::built(tool, &dir, &[])?.display().to_string();
        // 60 million and more, where Python has to start; most of this is its end.
        let words = [&["run-wasm", "--fuel", "20000000"], args, &[module.as_str()]].concat();
        let told = tool.call_in_says(&dir, &words)?;
        anyhow::ensure!(told.ends_with(said), "{template} says {told:?}");
        if template == "capi" {
            each_run_is_its_own(tool, &dir)?;
        }
    }
    Ok(())
}

/// A crate's snapshot, run twice: variables, directories and random numbers are those of the run.
fn each_run_is_its_own(tool: &Tool<'_>, dir: &Path) -> anyhow::Result<()> {
    const LOOKS: &str = "import os, random\n\
        print(os.environ.get('NAME'), os.listdir('/given'), random.random(), flush=True)\n";
    let source = dir.join("src/main.rs");
    let text = std::fs::read_to_string(&source)?;
    let looks = text.replacen("import sys\n", &format!("import sys\n{LOOKS}"), 1);
    anyhow::ensure!(looks != text, "template capi imports no `sys`");
    std::fs::write(&source, looks)?;
    let module = canister::built(tool, dir, &[])?.display().to_string();
    let mut numbers = Vec::new();
    for name in ["one", "two"] {
        let given = dir.join(name);
        std::fs::create_dir_all(given.join(format!("file-{name}")))?;
        let (given, variable) = (format!("{}::/given", given.display()), format!("NAME={name}"));
        let words = ["run-wasm", "--no-cwd", "--dir", &given, "--env", &variable, &module];
        let told = tool.call_in_says(dir, &words)?;
        let line = told.lines().next().unwrap_or_default();
        let (found, number) = line.rsplit_once(' ').unwrap_or_default();
        anyhow::ensure!(found == format!("{name} ['file-{name}']"), "it says {told:?}");
        numbers.push(number.to_owned());
    }
    anyhow::ensure!(numbers[0] != numbers[1], "the same random number: {numbers:?}");
    Ok(())
}

/// The module that has its Python inside, in a place without any file.
fn frozen(tool: &Tool<'_>) -> anyhow::Result<()> {
    eprintln!("\n   -- Python inside, without a file");
    let dir = root().join("tests/frozen");
    tool.call_in(&dir, &["install"])?;
    tool.cargo(&dir, &["fmt", "--check"])?;
    tool.cargo(&dir, &["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"])?;
    tool.cargo(&dir, &["test", "--quiet"])?;
    let said = tool.call_in_says(&dir, &["run", "--no-cwd", "--quiet"])?;
    let expected = "{\"depth\": 2, \"stdout\": \"utf-8\"}";
    anyhow::ensure!(said == expected, "it says {said:?}");
    touching_nothing_rebuilds_nothing(tool, &dir)?;
    a_recipe_that_freezes(tool)
}

/// What a recipe freezes is inside of whatever is linked with it, and the crate asks for nothing.
fn a_recipe_that_freezes(tool: &Tool<'_>) -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let place = place.path();
    let recipe = tool.call(&["recipe", "show", "default"]).read()?;
    let recipe = recipe.replace("name = \"default\"", "name = \"inside\"");
    let recipe = recipe.replacen("[", "freeze = [\"json\"]\n\n[", 1);
    std::fs::write(place.join("inside.toml"), recipe)?;
    tool.call_in(place, &["new", "--template", "capi", "--recipe", "inside.toml", "demo"])?;
    let dir = place.join("demo");
    let main = dir.join("src/main.rs");
    let text = std::fs::read_to_string(&main)?.replace("import sys\n", "import json, sys\n");
    std::fs::write(main, text)?;
    tool.cargo(&dir, &["build", "--quiet"])?;
    let module = root().join("target/embed/wasm32-wasip1/debug/demo.wasm").display().to_string();
    let said = tool.call(&["run-wasm", "--stdlib", "frozen", "--no-cwd", &module]).read()?;
    anyhow::ensure!(said.ends_with("Rust read 42"), "it says {said:?}");
    Ok(())
}

fn templates(tool: &Tool<'_>) -> anyhow::Result<()> {
    // Below this workspace Cargo would make them its members.
    let place = tempfile::tempdir()?;
    let place = place.path();
    for (template, verbs) in TEMPLATES {
        eprintln!("\n   -- new --template {template}");
        tool.call_in(place, &["new", "--template", template, template])?;
        let dir = place.join(template);
        for verb in verbs {
            tool.cargo(&dir, &[verb, "--quiet"])?;
        }
        tool.cargo(&dir, &["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"])?;
        tool.cargo(&dir, &["fmt", "--check"])?;
        touching_nothing_rebuilds_nothing(tool, &dir)?;
    }
    canister_template(tool, place)
}

/// A canister has no Cargo command that runs it: it is called, and says what is wrong with its Python.
fn canister_template(tool: &Tool<'_>, place: &Path) -> anyhow::Result<()> {
    eprintln!("\n   -- new --template canister");
    tool.call_in(place, &["new", "--template", "canister", "my-canister"])?;
    let dir = place.join("my-canister");
    let module = canister::built(tool, &dir, &[])?.display().to_string();
    anyhow::ensure!(module.ends_with("/my_canister.wasm"), "another module is named: {module}");
    let module = module.as_str();
    let words = ["canister", "call", module, "greet", "(\"world\")", "increment", "counter"];
    let said = tool.call_in_says(&dir, &words)?;
    let expected = "(\"Hello, world!\")\n(1 : nat64)\n(1 : nat64)";
    anyhow::ensure!(said == expected, "it says {said:?}");
    // Nothing in it is for `cargo test`, which must not fail for that.
    tool.cargo(&dir, &["test", "--quiet"])?;
    tool.cargo(&dir, &["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"])?;
    tool.cargo(&dir, &["fmt", "--check"])?;
    touching_nothing_rebuilds_nothing(tool, &dir)?;

    let python = dir.join("python/app.py");
    let text = std::fs::read_to_string(&python)?;
    let changed = |from: &str, to: &str| -> anyhow::Result<()> {
        anyhow::ensure!(text.contains(from), "there is no `{from}` in\n{text}");
        Ok(std::fs::write(&python, text.replace(from, to))?)
    };
    changed("return f\"Hello, {name}!\"", "return 1 / len(name)")?;
    tool.call_in(&dir, &["build", "--quiet"])?;
    let said = tool.call_in_fails(&dir, &["canister", "call", module, "greet", "(\"\")"])?;
    let traceback = "File \"python/app.py\", line 5, in greet";
    let has_all = said.contains(traceback) && said.contains("ZeroDivisionError: division by zero");
    anyhow::ensure!(has_all, "no traceback: {said}");

    changed("return count + 1", "return count +")?;
    let said = tool.call_in_fails(&dir, &["build", "--quiet"])?;
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let place = ["File \"python/app.py\", line 10", "return count +", "^"];
    let is_shown = lines.windows(place.len()).any(|lines| lines == place);
    anyhow::ensure!(is_shown && said.contains("SyntaxError: invalid syntax"), "no place: {said}");
    Ok(())
}

/// The commands of a page.
fn blocks(page: &str) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(root().join(page))?;
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let blocks: Vec<String> = blocks.map(str::to_owned).collect();
    anyhow::ensure!(!blocks.is_empty(), "`{page}` has no commands");
    Ok(blocks)
}

/// Runs the commands of the guide, block by block: the first in an empty directory, the others in
/// a new crate each, as that of a reader is.
fn guide(tool: &Tool<'_>) -> anyhow::Result<()> {
    let canisters = blocks("docs/guide/canisters.md")?;
    for block in &canisters {
        eprintln!("\n   -- the guide to canisters says:\n{}", block.trim_end());
        let place = tempfile::tempdir()?;
        // Here all crates build to one directory.
        let target = root().join("target/embed/pywasm").display().to_string();
        tool.script(place.path(), &block.replace("target/pywasm", &target))?;
    }
    for (index, block) in blocks("docs/guide/embedding.md")?.iter().enumerate() {
        eprintln!("\n   -- the guide says:\n{}", block.trim_end());
        let place = tempfile::tempdir()?;
        let place = place.path();
        if index > 0 {
            tool.cargo(place, &["new", "--quiet", "mine"])?;
            let mine = place.join("mine");
            tool.script(&mine, block)?;
            // What the guide promises of a crate after its commands.
            for verb in ["build", "run", "test"] {
                tool.cargo(&mine, &[verb, "--quiet"])?;
                tool.call_in(&mine, &[verb, "--quiet"])?;
            }
        } else {
            tool.script(place, block)?;
        }
    }
    Ok(())
}
