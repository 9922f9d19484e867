;; Imported memories, tables, globals and tags that the host does not provide.
;; policy: wasip1
(module
  (import "env" "memory" (memory 1))
  (import "env" "table" (table 1 funcref))
  (import "env" "__stack_pointer" (global (mut i32)))
  (import "env" "error" (tag (param i32))))
