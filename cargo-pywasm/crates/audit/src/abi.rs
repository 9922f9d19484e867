//! Recognizes modules that were built for another ABI than core WASI preview 1.
//!
//! All imports of such an ABI have one cause, so the audit reports them as one finding.

use pywasm_stubs::{Signature, ValType};
use pywasm_wasm::{Extern, Import, Module};

use crate::finding::{Code, Finding};

/// An ABI that some hosts provide and that the policy does not describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Abi {
    AssemblyScript,
    Component,
    DynamicLinking,
    Emscripten,
    Extism,
    Go,
    InternetComputer,
    ProxyWasm,
    WasiPreview0,
    WasiThreads,
    Wasix,
    WasmBindgen,
}

/// The custom section of a shared library. `dylink` is the format of 2021 and earlier.
///
/// Source: `DynamicLinking.md` in WebAssembly/tool-conventions.
const DYLINK: [&str; 2] = ["dylink.0", "dylink"];

/// Prefixes of functions that only Emscripten imports from `env`.
const EMSCRIPTEN: [&str; 4] = ["emscripten_", "_emscripten_", "__syscall_", "invoke_"];

/// The functions that AssemblyScript's runtime imports from `env`.
const ASSEMBLY_SCRIPT: [&str; 3] = ["abort", "seed", "trace"];

/// The ABI of a module's imports from `env`, which several ABIs use. It depends on the whole module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Env(Option<Abi>);

impl Env {
    pub(crate) fn of(module: &Module<'_>) -> Self {
        let any = |is: &dyn Fn(&Import<'_>) -> bool| module.imports.iter().any(is);
        let is_emscripten = |it: &Import<'_>| {
            it.module == "env" && EMSCRIPTEN.iter().any(|prefix| it.name.starts_with(prefix))
        };
        let is_abort = |it: &Import<'_>| match it.kind {
            Extern::Function(function) if (it.module, it.name) == ("env", "abort") => {
                module.signature(function).is_some_and(|signature| is_abort(&signature))
            }
            _ => false,
        };
        Self(if module.custom().any(|(name, _)| DYLINK.contains(&name)) {
            Some(Abi::DynamicLinking)
        } else if any(&is_emscripten) {
            Some(Abi::Emscripten)
        } else if any(&|it| (it.module, it.name) == ("wasi", "thread-spawn")) {
            Some(Abi::WasiThreads)
        } else {
            any(&is_abort).then_some(Abi::AssemblyScript)
        })
    }

    /// Returns true if an import from `env` belongs to the ABI.
    fn has(self, name: &str, kind: &Extern) -> bool {
        match self.0 {
            Some(Abi::WasiThreads) => *kind == Extern::Memory,
            Some(Abi::AssemblyScript) => ASSEMBLY_SCRIPT.contains(&name),
            _ => true,
        }
    }

    /// Returns the ABI that an import belongs to, or `None` if that is unknown.
    pub(crate) fn abi(self, import: &Import<'_>) -> Option<Abi> {
        let Import { module, name, kind } = import;
        Some(match *module {
            "wbg" => Abi::WasmBindgen,
            _ if module.starts_with("__wbindgen_") || module.ends_with("_bg.js") => {
                Abi::WasmBindgen
            }
            "wasi_unstable" => Abi::WasiPreview0,
            "wasi" if *name == "thread-spawn" => Abi::WasiThreads,
            "ic0" => Abi::InternetComputer,
            "go" | "gojs" => Abi::Go,
            _ if module.starts_with("wasix_") => Abi::Wasix,
            _ if module.starts_with("extism:") => Abi::Extism,
            // `NAMESPACE:PACKAGE/INTERFACE`, or the prefixes of the standard name mangling.
            _ if module.contains(':') && module.contains('/') => Abi::Component,
            _ if module.starts_with("cm32p2") || module.starts_with("[export]") => Abi::Component,
            "env" if name.starts_with("proxy_") => Abi::ProxyWasm,
            "GOT.mem" | "GOT.func" => Abi::DynamicLinking,
            "env" if self.has(name, kind) => return self.0,
            _ => return None,
        })
    }
}

/// Returns true for the type of AssemblyScript's `abort`: message, file name, line, column. The
/// function `abort` of C has no parameters.
fn is_abort(signature: &Signature) -> bool {
    signature.params == [ValType::I32; 4] && signature.results.is_empty()
}

impl Abi {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AssemblyScript => "AssemblyScript",
            Self::Component => "component model",
            Self::DynamicLinking => "dynamic linking",
            Self::Emscripten => "Emscripten",
            Self::Extism => "Extism",
            Self::Go => "Go",
            Self::InternetComputer => "Internet Computer",
            Self::ProxyWasm => "Proxy-Wasm",
            Self::WasiPreview0 => "WASI preview 0",
            Self::WasiThreads => "WASI threads",
            Self::Wasix => "WASIX",
            Self::WasmBindgen => "wasm-bindgen",
        }
    }

    /// Describes the modules that import this ABI.
    const fn description(self) -> &'static str {
        match self {
            Self::AssemblyScript => {
                "the module was compiled by AssemblyScript for a JavaScript host"
            }
            Self::Component => "the module is meant to be part of a component",
            Self::DynamicLinking => {
                "the module is a shared library, which a dynamic linker must load"
            }
            Self::Emscripten => "the module was built with Emscripten, for JavaScript hosts",
            Self::Extism => "the module is an Extism plug-in",
            Self::Go => "the module was built by Go for a JavaScript host",
            Self::InternetComputer => "the module is a canister",
            Self::ProxyWasm => "the module is a Proxy-Wasm filter",
            Self::WasiPreview0 => "the module was built for a version of WASI from before 2020",
            Self::WasiThreads => "the module starts threads",
            Self::Wasix => "the module was built for WASIX, which only Wasmer provides",
            Self::WasmBindgen => {
                "a dependency was built for browsers and calls JavaScript, which this host lacks"
            }
        }
    }

    /// Returns ways to build the module for another host, or to check it for its own host. The best
    /// comes first.
    const fn cures(self) -> &'static [&'static str] {
        match self {
            Self::AssemblyScript => &[
                "to build for WASI, add `\"extends\": \"./node_modules/@assemblyscript/wasi-shim/asconfig.json\"` to asconfig.json",
            ],
            Self::Component => &[
                "build with `--target wasm32-wasip1`",
                "find the dependency that needs the component model: `cargo tree --target wasm32-wasip1 --invert wasip2`, or `wasip3`, `wit-bindgen`",
            ],
            Self::DynamicLinking => &[
                "link statically: link without `-shared`, or link the objects and archives (`.o`, `.a`) that the library was made from",
                "to find out what the objects need, audit them instead",
            ],
            Self::Emscripten => &[
                "build with the WASI SDK for wasm32-wasip1 instead of emcc",
                "a Rust dependency for wasm32-unknown-emscripten must be rebuilt with `--target wasm32-wasip1`",
            ],
            Self::Extism => &[
                "if your host is Extism, allow its functions in a policy file: `allow = [\"extism:host/*\"]`",
                "find the dependency: `cargo tree --target wasm32-wasip1 --invert extism-pdk`",
            ],
            Self::Go => &["build with `GOOS=wasip1 GOARCH=wasm`"],
            Self::InternetComputer => &[
                "audit it with `--policy ic`",
                "find the dependency: `cargo tree --target wasm32-wasip1 --invert ic0`",
            ],
            Self::ProxyWasm => &[
                "if your host is a proxy, allow its functions in a policy file: `allow = [\"env.proxy_*\"]`",
                "find the dependency: `cargo tree --target wasm32-wasip1 --invert proxy-wasm`",
            ],
            Self::WasiPreview0 => &["rebuild with a toolchain for wasm32-wasip1"],
            Self::WasiThreads => &[
                "build with `--target wasm32-wasip1` instead of wasm32-wasip1-threads; in C, without `-pthread`",
            ],
            Self::Wasix => &["build with `--target wasm32-wasip1` instead of wasm32-wasmer-wasi"],
            Self::WasmBindgen => &[
                "find the dependency: `cargo tree --target wasm32-wasip1 --edges features --invert wasm-bindgen`",
                "turn off the feature that enables it, often named `js`, `wasm-bindgen` or `wasmbind`",
            ],
        }
    }

    /// Creates the finding for all imports of this ABI.
    pub(crate) fn finding(self, imports: &[String]) -> Finding {
        let imported = match imports {
            [] => String::new(),
            [one] => format!("; it imports `{one}`"),
            [first, rest @ ..] => format!("; it imports `{first}` and {} more", rest.len()),
        };
        let message = format!("{}{imported}", self.description());
        let finding = Finding::new(Code::ImportAbi, self.name(), message);
        self.cures().iter().fold(finding, |finding, cure| finding.cure(*cure))
    }
}

/// Returns the finding for a component, which no policy describes.
#[must_use]
pub fn component() -> Finding {
    let message = "this is a component, but policies describe hosts of core modules";
    Finding::new(Code::ImportAbi, Abi::Component.name(), message)
        .cure("build the core module with `--target wasm32-wasip1`")
        .cure(crate::input::UNBUNDLE)
}
