;; A reactor that was linked without its start file: wasm-ld wraps each export in constructors
;; and destructors.
;; policy: wasip1
(module
  (func $ctors)
  (func $work)
  (func $run.command_export (export "run") call $ctors call $work)
  (func $stop.command_export (export "stop") call $ctors call $work))
