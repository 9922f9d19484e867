//! A recipe whose CPython calls what nothing has: refused until it declares what stands in.

use crate::tool::Tool;

/// `time.pthread_getcpuclockid`, which CPython's configure finds missing.
const RECIPE: &str = "schema = 1\nname = \"declared\"\ndescription = \"calls what nothing has\"\n\
    python = \"3.13\"\n\n[modules]\n\
    disabled = [\"_decimal\", \"_elementtree\", \"_hashlib\", \"pyexpat\"]\n\n[build]\n\
    cflags = [\"-DHAVE_PTHREAD_GETCPUCLOCKID=1\"]\n\n[stubs]\n";

/// A symbol of the interpreter's own link, and what calls it.
const CALL: &str = "import time\ntry: time.pthread_getcpuclockid(1)\n\
    except OSError as error: print(error.errno)";

pub(crate) fn run(tool: &Tool<'_>) -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let recipe = place.path().join("declared.toml");
    let words = ["install", "--recipe", recipe.to_str().unwrap_or_default()];
    std::fs::write(&recipe, RECIPE)?;
    let refused = tool.call(&words).ignore_status().output()?;
    let said = String::from_utf8_lossy(&refused.stderr);
    for told in [
        "error[undefined-function]: pthread_getcpuclockid: ",
        "needed by libpython.a(timemodule.o)",
        "`pthread_getcpuclockid = \"trap\"` in `[stubs]` of the recipe",
    ] {
        anyhow::ensure!(said.contains(told), "{told} is not in:\n{said}");
    }
    anyhow::ensure!(refused.status.code() == Some(2), "it ended with {}", refused.status);

    std::fs::write(&recipe, format!("{RECIPE}pthread_getcpuclockid = \"value=52\"\n"))?;
    let installed = tool.install(&words[1..])?;
    let audit = std::fs::read_to_string(installed.join("audit.json"))?;
    anyhow::ensure!(audit.contains("\"pthread_getcpuclockid\": \"value=52\""), "{audit}");
    anyhow::ensure!(installed.join("lib/libpywasm_stubs.a").is_file(), "no archive of stubs");
    let run = ["run", "--recipe", words[2], "-c", CALL];
    let said = tool.call(&run).read()?;
    anyhow::ensure!(said == "52", "it says {said:?}");
    Ok(())
}
