//! `sbom.spdx.json`: the components of an installation, in SPDX 2.3.
//!
//! Format: <https://spdx.github.io/spdx-spec/v2.3/>. Versions of software bundled with CPython come
//! from CPython's `Misc/sbom.spdx.json`.

use anyhow::Context;
use serde_json::{Value, json};

use super::licenses::CHANGES;
use super::manifest::Input;
use super::request::{Request, RequestKey};
use crate::build::{Inventory, SourceTree};
use crate::libraries::Compiled;
use pywasm_toolchain::Toolchain;

/// Software bundled with CPython: its name, the module that links it, and its licence according to
/// CPython's `Doc/license.rst`.
const BUNDLED: [(&str, &str, &str); 3] = [
    ("expat", "pyexpat", "MIT"),
    ("mpdecimal", "_decimal", "BSD-2-Clause"),
    ("hacl-star", "_sha2", "MIT"),
];

/// Returns the SBOM as a JSON document.
pub(super) fn document(
    request: &Request<'_>,
    key: &RequestKey,
    toolchain: &Toolchain,
    source: &SourceTree,
    libraries: &[Compiled],
    inventory: &Inventory,
    inputs: &[Input],
) -> anyhow::Result<Value> {
    let pin = &request.pin;
    let mut packages = vec![json!({
        "SPDXID": "SPDXRef-cpython",
        "name": "CPython",
        "versionInfo": pin.version.to_string(),
        "downloadLocation": pin.source.url,
        "checksums": [{ "algorithm": "SHA256", "checksumValue": pin.source.sha256.to_string() }],
        "sourceInfo": format!("changed by cargo-pywasm as described in LICENSES/{CHANGES}"),
        "licenseConcluded": "PSF-2.0",
        "licenseDeclared": "PSF-2.0",
        "copyrightText": "NOASSERTION",
        "filesAnalyzed": false,
        "externalRefs": [{
            "referenceCategory": "SECURITY",
            "referenceType": "cpe23Type",
            "referenceLocator": format!("cpe:2.3:a:python:python:{}:*:*:*:*:*:*:*", pin.version),
        }],
    })];
    packages.extend(bundled(source, inventory)?);
    packages.extend(libraries.iter().map(library));
    packages.push(json!({
        "SPDXID": "SPDXRef-wasi-libc",
        "name": "wasi-libc",
        "versionInfo": format!("libc.a sha256:{}", toolchain.libc),
        "downloadLocation": "https://github.com/WebAssembly/wasi-libc",
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "Apache-2.0 WITH LLVM-exception AND MIT AND BSD-2-Clause",
        "copyrightText": "NOASSERTION",
        "filesAnalyzed": false,
    }));
    let is_source = |input: &Input| {
        input.sha256 == pin.source.sha256
            || libraries.iter().any(|one| one.input.sha256 == input.sha256)
    };
    for (number, input) in inputs.iter().enumerate().filter(|(_, input)| !is_source(input)) {
        packages.push(json!({
            "SPDXID": format!("SPDXRef-input-{number}"),
            "name": input.file,
            "downloadLocation": "NOASSERTION",
            "sourceInfo": format!("build input from {}", input.from),
            "checksums": [{ "algorithm": "SHA256", "checksumValue": input.sha256.to_string() }],
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION",
            "copyrightText": "NOASSERTION",
            "filesAnalyzed": false,
        }));
    }
    let relationships: Vec<Value> = packages
        .iter()
        .map(|package| {
            let id = package["SPDXID"].as_str().unwrap_or_default();
            let (from, kind, to) = if id == "SPDXRef-cpython" {
                ("SPDXRef-DOCUMENT", "DESCRIBES", id)
            } else if id.starts_with("SPDXRef-input-") {
                (id, "BUILD_TOOL_OF", "SPDXRef-cpython")
            } else {
                ("SPDXRef-cpython", "CONTAINS", id)
            };
            json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
        })
        .collect();
    Ok(json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": request.name(),
        "documentNamespace": format!("https://spdx.org/spdxdocs/{}-{key}", request.name()),
        "creationInfo": {
            // The fixed date of all builds, so that identical inputs produce identical bytes.
            "created": "1980-01-01T00:00:00Z",
            "creators": [concat!("Tool: cargo-pywasm-", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relationships,
    }))
}

fn library(one: &Compiled) -> Value {
    let (library, input) = (one.library, &one.input);
    // The version and the licence of an archive of the user are unknown.
    let (version, license) = match one.licenses {
        Some(_) => (library.version.as_str(), library.license.as_str()),
        None => ("NOASSERTION", "NOASSERTION"),
    };
    json!({
        "SPDXID": format!("SPDXRef-{}", library.name),
        "name": library.name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "sourceInfo": format!("built from {}, {}", input.file, input.from),
        "checksums": [{ "algorithm": "SHA256", "checksumValue": input.sha256.to_string() }],
        "licenseConcluded": license,
        "licenseDeclared": license,
        "copyrightText": "NOASSERTION",
        "filesAnalyzed": false,
    })
}

fn bundled(source: &SourceTree, inventory: &Inventory) -> anyhow::Result<Vec<Value>> {
    let path = source.root().join("Misc/sbom.spdx.json");
    let own: Value = serde_json::from_slice(&fs_err::read(&path)?)
        .with_context(|| format!("`{path}` is not JSON"))?;
    let known = own["packages"].as_array().into_iter().flatten();
    let by_name = |name: &str| known.clone().find(|package| package["name"] == name);
    let linked = BUNDLED
        .iter()
        .filter(|(_, module, _)| inventory.builtin.iter().any(|builtin| builtin == module));
    Ok(linked
        .map(|(name, _, license)| {
            let entry = by_name(name);
            let text = |key: &str| {
                entry.map_or("NOASSERTION", |it| it[key].as_str().unwrap_or("NOASSERTION"))
            };
            json!({
                "SPDXID": format!("SPDXRef-{name}"),
                "name": name,
                "versionInfo": text("versionInfo"),
                "downloadLocation": text("downloadLocation"),
                "licenseConcluded": license,
                "licenseDeclared": license,
                "copyrightText": "NOASSERTION",
                "filesAnalyzed": false,
            })
        })
        .collect())
}
