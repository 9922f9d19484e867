;; A typical command of WASI preview 1.
;; policy: wasip1
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") i32.const 0 call $exit))
