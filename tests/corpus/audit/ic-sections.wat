;; Custom sections with a wrong scope or a duplicate name, a reserved export, and a global and an
;; instruction that the replica rejects.
;; policy: ic
(module
  (table 1 funcref)
  (global funcref (ref.null func))
  (func $f i32.const 0 ref.null func table.set 0)
  (@custom "icp:public" "no scope")
  (@custom "icp:public a" "one")
  (@custom "icp:private a" "two")
  (export "stable_memory" (func $f)))
