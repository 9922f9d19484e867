;; Sections of the system have a scope and a name of their own; globals and tables are what S1 takes.
;; policy: ic
(module
  (table 1 funcref)
  (global funcref (ref.null func))
  (func $f i32.const 0 ref.null func table.set 0)
  (@custom "icp:public" "no scope")
  (@custom "icp:public a" "one")
  (@custom "icp:private a" "two")
  (export "stable_memory" (func $f)))
