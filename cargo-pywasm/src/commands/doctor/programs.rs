//! Checks for programs on `PATH`.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use super::Check;
use pywasm_post_link::Optimizer;
use pywasm_session::one_line;
use pywasm_session::variables::{HOME, PATH};
use pywasm_store::Ctx;
use pywasm_toolchain::apt;

/// The oldest supported version of GNU make, which is the one that macOS ships.
const OLDEST_MAKE: (u32, u32) = (3, 81);

/// Checks that `cc` compiles programs that run on this machine. A toolchain from distribution
/// packages needs `cc` to compile shims.
pub(super) fn compiler(ctx: &Ctx) -> Check {
    const NAME: &str = "C compiler";
    const CURE: &str = "Debian, Ubuntu: apt install gcc libc6-dev; macOS: xcode-select --install";
    const HELLO: &str = "#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n";
    let Some(cc) = ctx.env.program("cc") else {
        return Check::missing(NAME, "no `cc` on PATH", CURE);
    };
    let Ok(scratch) = tempfile::tempdir() else {
        return Check::missing(NAME, "cannot create a temporary directory", "set TMPDIR");
    };
    let (source, program) = (scratch.path().join("try.c"), scratch.path().join("try"));
    let compiled = std::fs::write(&source, HELLO).and_then(|()| {
        Command::new(&cc)
            .arg(&source)
            .arg("-o")
            .arg(&program)
            .env_clear()
            .env(PATH, ctx.env.search_path())
            .output()
    });
    match compiled {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let printed = String::from_utf8_lossy(&output.stderr);
            let message = printed.lines().next().unwrap_or_default();
            let found = format!("`{cc}` cannot compile a program: {message}");
            return Check::missing(NAME, found, CURE);
        }
        Err(error) => return Check::missing(NAME, format!("`{cc}`: {error}"), CURE),
    }
    match Command::new(&program).env_clear().output() {
        Ok(output) if output.stdout == b"hello\n" => Check::ok(NAME, cc.as_str()),
        // `cc` is a cross compiler, or the temporary directory is mounted with `noexec`.
        other => {
            let outcome = other.map_or_else(|error| error.to_string(), |it| it.status.to_string());
            let found =
                format!("a program compiled with `{cc}` does not run on this machine: {outcome}");
            Check::missing(NAME, found, "put a native compiler first on PATH")
        }
    }
}

pub(super) fn make(ctx: &Ctx) -> Check {
    const CURE: &str = "Debian, Ubuntu: apt install make; macOS: xcode-select --install";
    let Some(make) = ctx.env.program("gmake").or_else(|| ctx.env.program("make")) else {
        return Check::missing("make", "no `make` on PATH", CURE);
    };
    let printed = first_line(&make, &["--version"]).unwrap_or_default();
    match gnu_make(&printed) {
        Some(version) if version >= OLDEST_MAKE => Check::ok("make", printed),
        Some(_) => Check::missing("make", format!("`{make}` is {printed}, older than 3.81"), CURE),
        None => Check::missing("make", format!("`{make}` is not GNU make: {printed}"), CURE),
    }
}

/// Parses the version in the first line of `make --version`: 4.3 for `GNU Make 4.3`.
fn gnu_make(printed: &str) -> Option<(u32, u32)> {
    let mut numbers = printed.strip_prefix("GNU Make ")?.split('.').map(|part| {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part[..end].parse().ok()
    });
    Some((numbers.next()??, numbers.next().flatten().unwrap_or(0)))
}

/// Returns the program that verifies the signatures of package archives.
pub(super) fn signature_verifier(ctx: &Ctx) -> Option<Utf8PathBuf> {
    ["gpgv", "sqv"].iter().find_map(|name| ctx.env.program(name))
}

pub(super) fn verifier(ctx: &Ctx) -> Check {
    match signature_verifier(ctx) {
        Some(path) => Check::ok("signatures", path.as_str()),
        None if apt::archives(ctx).is_empty() => {
            Check::ok("signatures", "not needed: this machine has no package archives")
        }
        None => Check::note(
            "signatures",
            "neither gpgv nor sqv is on PATH",
            "needed only for tools from package archives: apt install gpgv",
        ),
    }
}

pub(super) fn compiler_cache(ctx: &Ctx) -> Check {
    match ["ccache", "sccache"].iter().find_map(|name| ctx.env.program(name)) {
        Some(path) => Check::ok("compiler cache", path.as_str()),
        None => Check::ok("compiler cache", "none found; ccache makes repeated builds faster"),
    }
}

/// Checks for the Rust target. A missing target is only a note: `install` compiles no Rust code,
/// but crates that embed Python need the target.
pub(super) fn rust_target(ctx: &Ctx) -> Check {
    const NAME: &str = "rustc target";
    const CURE: &str =
        "needed only to build Rust crates for this target: rustup target add wasm32-wasip1";
    let Some(rustc) = ctx.env.program("rustc") else {
        return Check::note(NAME, "no rustc on PATH", CURE);
    };
    let printed = Command::new(&rustc)
        .args(["--print", "target-libdir", "--target", pywasm_build::TARGET])
        // rustup's `rustc` needs only these variables to find its toolchain.
        .env_clear()
        .envs(
            [HOME, PATH, "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO_HOME"]
                .iter()
                .filter_map(|name| Some((name, ctx.env.text(name)?))),
        )
        .output();
    let dir = printed
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    if !dir.is_empty() && Utf8Path::new(&dir).exists() {
        Check::ok(NAME, format!("{} is installed", pywasm_build::TARGET))
    } else {
        Check::note(NAME, format!("{} is not installed", pywasm_build::TARGET), CURE)
    }
}

/// Checks for `wasm-opt`. A missing `wasm-opt` is only a note, because only the post-link step
/// `wasm-opt` needs it.
pub(super) fn wasm_opt(ctx: &Ctx) -> Check {
    const CURE: &str = "needed only for the post-link step `wasm-opt`, which downloads the program";
    match Optimizer::find(ctx) {
        Ok(Optimizer::Found(found)) => Check::ok("wasm-opt", found.description()),
        Ok(Optimizer::Missing(reason)) => Check::note("wasm-opt", reason, CURE),
        Err(error) => Check::note(
            "wasm-opt",
            one_line(&error),
            "unset PYWASM_WASM_OPT, or set it to Binaryen's wasm-opt",
        ),
    }
}

fn first_line(program: &Utf8Path, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).env_clear().env("LC_ALL", "C").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_of_gnu_make_is_parsed() {
        assert_eq!(gnu_make("GNU Make 4.3"), Some((4, 3)));
        assert_eq!(gnu_make("GNU Make 3.81"), Some((3, 81)));
        assert_eq!(gnu_make("GNU Make 4.4.1"), Some((4, 4)));
        assert_eq!(gnu_make("GNU Make 4.0.90-rc1"), Some((4, 0)));
        assert_eq!(gnu_make("bmake 20220724"), None);
        assert!((3, 79) < OLDEST_MAKE && (4, 0) > OLDEST_MAKE);
    }
}
