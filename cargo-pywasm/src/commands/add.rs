//! `cargo pywasm add` and `cargo pywasm remove`: change the requirements of the current crate.

use anyhow::Context;
use camino::Utf8Path;
use pywasm_packages::Name;
use toml_edit::{Array, DocumentMut, Item, TableLike, Value};

use super::lock;
use crate::config::Workspace;
use crate::exit::Exit;
use pywasm_session::WithHint;
use pywasm_store::{Ctx, stage_file};

/// Add Python packages to the `requirements` of the current crate
///
/// Changes Cargo.toml, resolves the requirements, and writes `pylock.toml`. If that fails, Cargo.toml
/// is left as it was.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// Packages: `jinja2`, `jinja2>=3`, `rich[jupyter]`, or the path of a wheel
    #[arg(value_name = "REQUIREMENT", required = true)]
    requirements: Vec<String>,
}

/// Remove Python packages from the `requirements` of the current crate
///
/// Changes Cargo.toml, and writes `pylock.toml` again.
#[derive(Debug, clap::Args)]
pub struct Remove {
    /// Names of packages
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
}

/// Runs `cargo pywasm add`.
///
/// # Errors
/// When the crate does not embed Python, its requirements are in a file, or they cannot be resolved.
pub fn add(args: &Add, ctx: &Ctx) -> anyhow::Result<Exit> {
    change(ctx, |list| {
        for requirement in &args.requirements {
            let name = name_of(requirement);
            list.retain(|old| old.as_str().is_none_or(|old| name_of(old) != name));
            list.push(requirement.as_str());
        }
        Ok(())
    })
}

/// Runs `cargo pywasm remove`.
///
/// # Errors
/// When a package is not among the requirements, or those that remain cannot be resolved.
pub fn remove(args: &Remove, ctx: &Ctx) -> anyhow::Result<Exit> {
    change(ctx, |list| {
        for name in &args.names {
            let before = list.len();
            list.retain(|old| old.as_str().is_none_or(|old| name_of(old) != Name::new(name)));
            anyhow::ensure!(list.len() < before, "`{name}` is not one of the `requirements`");
        }
        Ok(())
    })
}

/// Changes the list of requirements in the Cargo.toml of the current project, and locks it. Restores
/// the file after an error.
fn change(ctx: &Ctx, edit: impl FnOnce(&mut Array) -> anyhow::Result<()>) -> anyhow::Result<Exit> {
    let project = Workspace::new(ctx).require_project()?;
    let dir = project.requirements.map_or(project.dir, |required| required.dir);
    let path = dir.join("Cargo.toml");
    let old = fs_err::read_to_string(&path)?;
    let new = edited(&old, edit).with_context(|| format!("cannot change `{path}`"))?;
    write(&path, &new)?;
    let workspace = Workspace::new(ctx);
    let locked = match workspace.project() {
        // Without requirements, there is nothing to lock.
        Ok(Some(project)) if project.requirements.is_none() => Ok(()),
        _ => lock::required(&workspace)
            .and_then(|(required, python)| crate::project::lock(&required, python, false, ctx))
            .map(drop),
    };
    if locked.is_err() {
        write(&path, &old)?;
    }
    locked.map(|()| Exit::Success)
}

fn write(path: &Utf8Path, text: &str) -> anyhow::Result<()> {
    let staged = stage_file(path, text.as_bytes())?;
    staged.persist(path).with_context(|| format!("cannot write `{path}`"))?;
    Ok(())
}

/// Returns a Cargo.toml with other requirements. The rest of the text stays as it is.
fn edited(
    text: &str,
    edit: impl FnOnce(&mut Array) -> anyhow::Result<()>,
) -> anyhow::Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let section = if has_table(&document, "package") { "package" } else { "workspace" };
    let table = document
        .get_mut(section)
        .and_then(Item::as_table_like_mut)
        .and_then(|package| package.get_mut("metadata")?.as_table_like_mut())
        .and_then(|metadata| metadata.get_mut("pywasm")?.as_table_like_mut())
        .context("it has no table `metadata.pywasm`")?;
    let list = table.entry("requirements").or_insert(Item::Value(Value::Array(Array::new())));
    let list = list
        .as_array_mut()
        .context("the requirements are in a file")
        .hint(|| "change that file, then run `cargo pywasm lock`".to_owned())?;
    edit(list)?;
    if list.is_empty() {
        table.remove("requirements");
    }
    Ok(document.to_string())
}

/// Returns true if the section has the table `metadata.pywasm`.
fn has_table(document: &DocumentMut, section: &str) -> bool {
    let inner = |table: &dyn TableLike, key: &str| table.get(key).is_some_and(Item::is_table_like);
    let metadata = document.get(section).and_then(|it| it.get("metadata"));
    metadata.and_then(Item::as_table_like).is_some_and(|metadata| inner(metadata, "pywasm"))
}

/// Returns the name in a requirement: the part before the extras, the version and the marker.
///
/// Source: PEP 508.
fn name_of(requirement: &str) -> Name {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = requirement.find(|c| !is_part(c)).unwrap_or(requirement.len());
    Name::new(&requirement[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str =
        "[package]\nname = \"x\"\n\n[package.metadata.pywasm] # settings\npython = \"3.13\"\n";

    fn with(text: &str, name: &str) -> String {
        edited(text, |list| {
            list.push(name);
            Ok(())
        })
        .unwrap()
    }

    #[test]
    fn requirements_are_added_and_removed() {
        let one = with(MANIFEST, "rich");
        assert_eq!(one, format!("{MANIFEST}requirements = [\"rich\"]\n"));
        let two = with(&one, "jinja2>=3");
        assert!(two.ends_with("requirements = [\"rich\", \"jinja2>=3\"]\n"), "{two}");
        let none = edited(&two, |list| {
            list.clear();
            Ok(())
        });
        assert_eq!(none.unwrap(), MANIFEST);
    }

    #[test]
    fn requirements_in_a_file_are_not_changed() {
        let text = format!("{MANIFEST}requirements = \"requirements.txt\"\n");
        let error = format!("{:#}", edited(&text, |_| Ok(())).unwrap_err());
        assert!(error.contains("in a file"), "{error}");
    }

    #[test]
    fn requirement_begins_with_its_name() {
        for text in
            ["Rich", "rich>=13", "rich [jupyter]", "rich; sys_platform == 'wasi'", "rich @ file:x"]
        {
            assert_eq!(name_of(text), Name::new("rich"), "{text}");
        }
    }
}
