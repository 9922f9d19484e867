//! Installs missing programs that the checks need, using Debian packages.

use xshell::{Shell, cmd};

/// A program and the Debian packages that provide it.
struct Program {
    name: &'static str,
    packages: &'static [&'static str],
}

/// The programs that the checks need. The tool itself needs the first three. The tests also link
/// stubs with the oldest supported LLVM, optimize a canister with Binaryen, check a crate for the Python
/// of the host, and resolve requirements.
const PROGRAMS: [Program; 7] = [
    Program { name: "cc", packages: &["gcc", "libc6-dev"] },
    Program { name: "make", packages: &["make"] },
    Program { name: "gpgv", packages: &["gpgv"] },
    Program { name: "python3", packages: &["python3"] },
    Program { name: "pip3", packages: &["python3-pip"] },
    Program { name: "wasm-ld-19", packages: &["lld-19"] },
    Program { name: "wasm-opt", packages: &["binaryen"] },
];

/// Installs the missing programs.
///
/// # Errors
/// If a program is missing and cannot be installed without asking for a password.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let missing: Vec<&Program> =
        PROGRAMS.iter().filter(|program| !is_on_path(program.name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> =
        missing.iter().flat_map(|program| program.packages).copied().collect();
    let Some(prefix) = privileges(shell)? else {
        let names: Vec<&str> = missing.iter().map(|program| program.name).collect();
        anyhow::bail!(
            "missing programs: {}\nhint: run `apt-get install {}` as root, or install the programs in another way",
            names.join(", "),
            packages.join(" ")
        );
    };
    let options = ["install", "--yes", "--no-install-recommends"];
    cmd!(shell, "env {prefix...} apt-get update").run()?;
    cmd!(shell, "env {prefix...} apt-get {options...} {packages...}").run()?;
    Ok(())
}

/// Returns the command prefix that runs `apt-get` as root. The prefix is empty if the user is
/// already root. Returns `None` if `apt-get` is missing or cannot be run as root without a
/// password.
fn privileges(shell: &Shell) -> anyhow::Result<Option<&'static [&'static str]>> {
    if !is_on_path("apt-get") {
        return Ok(None);
    }
    if cmd!(shell, "id -u").quiet().read()? == "0" {
        return Ok(Some(&[]));
    }
    let has_sudo = is_on_path("sudo") && cmd!(shell, "sudo -n true").quiet().run().is_ok();
    Ok(has_sudo.then_some(&["sudo", "-n"]))
}

/// Returns true if a directory in `PATH` contains the program.
pub(crate) fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}
