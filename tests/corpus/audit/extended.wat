;; A policy that extends another one adds rules to those of the other, and can deny imports of any
;; kind. Exporting an import or storing it in a table counts as a use.
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
