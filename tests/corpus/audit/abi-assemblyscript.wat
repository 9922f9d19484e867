;; A module that was compiled by AssemblyScript. `abort` of C has no parameters.
;; policy: wasip1
(module
  (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
  (import "env" "seed" (func $seed (result f64)))
  (import "env" "compute" (func $compute))
  (func (export "run") (drop (call $seed)) call $compute
    (call $abort (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))
