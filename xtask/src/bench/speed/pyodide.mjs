// Runs a Python file in Pyodide: node pyodide.mjs MODULE DIRECTORY SCRIPT [WORDS...]
// Pyodide reads DIRECTORY as /bench, and imports pyperf from DIRECTORY/stand-in.
import { pathToFileURL } from "node:url";

const [module, directory, script, ...words] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(module).href);
const pyodide = await loadPyodide({ env: { PYTHONDONTWRITEBYTECODE: "1", HOME: "/home/pyodide" } });
pyodide.setStdout({ batched: (line) => console.log(line) });
pyodide.setStderr({ batched: (line) => console.error(line) });
pyodide.mountNodeFS("/bench", directory);
pyodide.globals.set("words", pyodide.toPy([script, ...words]));
pyodide.runPython(`
import runpy, sys
sys.argv = words
sys.path.insert(0, "/bench/stand-in")
runpy.run_path(sys.argv[0], run_name="__main__")
`);
