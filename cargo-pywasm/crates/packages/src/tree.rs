//! The dependencies between locked packages, as their metadata gives them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use pep508_rs::{ExtraName, MarkerEnvironment, Requirement, VerbatimUrl};
use pywasm_recipes::PatchVersion;

use crate::lock::environment;
use crate::{Installed, Name};

/// A package in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The name of the package.
    pub name: Name,
    /// The version of the package.
    pub version: String,
    /// The packages that it requires, sorted by name. Empty if `is_repeated` is true.
    pub requires: Vec<Node>,
    /// True if the package has dependencies, which an earlier node with the same name has listed.
    pub is_repeated: bool,
}

/// Returns the packages that no other package requires, each with its dependencies.
///
/// # Errors
/// When the metadata of a package cannot be read.
pub fn tree(packages: &[Installed], python: PatchVersion) -> anyhow::Result<Vec<Node>> {
    let environment = environment(python)?;
    let mut all = BTreeMap::new();
    for package in packages {
        let requires = requires(package, &environment)
            .with_context(|| format!("cannot read the metadata of `{}`", package.chosen.name))?;
        all.insert(package.chosen.name.clone(), (package.chosen.wheel.version(), requires));
    }
    let required: BTreeSet<&Name> = all.values().flat_map(|(_, requires)| requires).collect();
    let mut seen = BTreeSet::new();
    let mut roots = Vec::new();
    for name in all.keys().filter(|name| !required.contains(name)) {
        roots.extend(node(name, &all, &mut seen));
    }
    // Packages that require each other have no root.
    for name in all.keys() {
        if !seen.contains(name) {
            roots.extend(node(name, &all, &mut seen));
        }
    }
    Ok(roots)
}

type Packages<'a> = BTreeMap<Name, (&'a str, BTreeSet<Name>)>;

fn node(name: &Name, all: &Packages<'_>, seen: &mut BTreeSet<Name>) -> Option<Node> {
    let (version, requires) = all.get(name)?;
    let is_new = seen.insert(name.clone());
    let inner: Vec<Node> = if is_new {
        requires.iter().filter_map(|name| node(name, all, seen)).collect()
    } else {
        Vec::new()
    };
    let is_repeated = !is_new && requires.iter().any(|name| all.contains_key(name));
    Some(Node { name: name.clone(), version: (*version).to_owned(), requires: inner, is_repeated })
}

/// Returns the names of the packages that a package requires. Requirements of an extra are included,
/// because the lock does not contain the extras; packages that are not in the lock are left out later.
fn requires(
    package: &Installed,
    environment: &MarkerEnvironment,
) -> anyhow::Result<BTreeSet<Name>> {
    let mut found = BTreeSet::new();
    for entry in package.root.read_dir_utf8()? {
        let path = entry?.into_path();
        if path.extension() != Some("dist-info") {
            continue;
        }
        let text = fs_err::read_to_string(path.join("METADATA"))?;
        // The headers end at the first empty line: <https://packaging.python.org/en/latest/specifications/core-metadata/>.
        let header = |name: &str| {
            let lines = text.lines().take_while(|line| !line.is_empty());
            let values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            values.map(|value| value.trim().to_owned()).collect::<Vec<String>>()
        };
        let extras = header("Provides-Extra");
        let extras = extras.into_iter().filter_map(|name| ExtraName::new(name).ok());
        let extras: Vec<ExtraName> = extras.collect();
        for value in header("Requires-Dist") {
            let requirement: Requirement<VerbatimUrl> = value.parse()?;
            if requirement.marker.evaluate(environment, &extras) {
                found.insert(Name::new(requirement.name.as_ref()));
            }
        }
    }
    Ok(found)
}
