;; A policy that extends another keeps its rules; what is denied is denied, whatever it is; what an
;; export leads to and what a global refers to is needed.
;; policy: extended.toml
(module
  (import "env" "memory" (memory 1))
  (import "env" "shown" (func $shown))
  (import "env" "held" (func $held))
  (table 1 funcref)
  (elem (i32.const 0) $held)
  (export "memory" (memory 0))
  (export "shown" (func $shown))
  (func (export "canister_foo")))
