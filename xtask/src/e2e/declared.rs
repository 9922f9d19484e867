//! Tests a recipe whose CPython calls a function that WASI does not provide. The recipe cannot be
//! installed until it declares a stub for the function.

use crate::tool::Tool;

/// A recipe that makes CPython call `pthread_getcpuclockid`, although `configure` finds that the
/// function is missing.
const RECIPE: &str = "schema = 1\nname = \"declared\"\ndescription = \"calls an undefined function\"\n\
    python = \"3.13\"\n\n[modules]\n\
    disabled = [\"_decimal\", \"_elementtree\", \"_hashlib\", \"pyexpat\"]\n\n[build]\n\
    cflags = [\"-DHAVE_PTHREAD_GETCPUCLOCKID=1\"]\n\n[stubs]\n";

/// A Python program that calls the stub.
const CALL: &str = "import time\ntry: time.pthread_getcpuclockid(1)\n\
    except OSError as error: print(error.errno)";

pub(crate) fn run(tool: &Tool<'_>) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let recipe = scratch.path().join("declared.toml");
    let args = ["install", "--recipe", recipe.to_str().unwrap_or_default()];
    std::fs::write(&recipe, RECIPE)?;
    let refused = tool.call(&args).ignore_status().output()?;
    let stderr = String::from_utf8_lossy(&refused.stderr);
    for part in [
        "error[undefined-function]: pthread_getcpuclockid: ",
        "needed by libpython.a(timemodule.o)",
        "`pthread_getcpuclockid = \"trap\"` to `[stubs]` in the recipe",
    ] {
        anyhow::ensure!(stderr.contains(part), "{part} is not in:\n{stderr}");
    }
    anyhow::ensure!(refused.status.code() == Some(2), "unexpected {}", refused.status);

    std::fs::write(&recipe, format!("{RECIPE}pthread_getcpuclockid = \"value=52\"\n"))?;
    let installed = tool.install(&args[1..])?;
    let audit = std::fs::read_to_string(installed.join("audit.json"))?;
    anyhow::ensure!(audit.contains("\"pthread_getcpuclockid\": \"value=52\""), "{audit}");
    anyhow::ensure!(installed.join("lib/libpywasm_stubs.a").is_file(), "no archive of stubs");
    let output = tool.call(&["run", "--recipe", args[2], "-c", CALL]).read()?;
    anyhow::ensure!(output == "52", "unexpected output {output:?}");
    Ok(())
}
