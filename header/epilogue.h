
/* ======================================================== helpers ======================================================== */

@INITS@

#ifndef AVX_GPU_NO_HELPERS

/// `size` bytes of a buffer from `offset` on (size 0: to the end), as the next argument.
static inline avx_arg avx_arg_range(avx_buffer buffer, uint64_t offset, uint64_t size) {
    avx_arg arg;
    arg.kind = AVX_ARG_BUFFER;
    arg.flags = 0;
    arg.group = 0;
    arg.binding = 0;
    arg.buffer = buffer;
    arg.bytes = AVX_GPU_NULL;
    arg.offset = offset;
    arg.size = size;
    arg.slot = 0;
    arg.reserved = 0;
    arg.reserved2 = 0;
    return arg;
}

/// A whole buffer, as the next argument.
static inline avx_arg avx_arg_buffer(avx_buffer buffer) { return avx_arg_range(buffer, 0, 0); }

/// Bytes for a uniform or push-constant block, copied at the call, as the next argument.
static inline avx_arg avx_arg_bytes(const void *bytes, uint64_t size) {
    avx_arg arg = avx_arg_range(AVX_GPU_NULL, 0, size);
    arg.kind = AVX_ARG_BYTES;
    arg.bytes = bytes;
    return arg;
}

/// A slot of a graph, whose value avx_graph_launch gives, as the next argument.
static inline avx_arg avx_arg_param(uint32_t slot) {
    avx_arg arg = avx_arg_range(AVX_GPU_NULL, 0, 0);
    arg.kind = AVX_ARG_PARAM;
    arg.slot = slot;
    return arg;
}

/// A range of a buffer whose offset is `offset` plus the uint64_t that avx_graph_launch gives for the slot, as the next argument.
static inline avx_arg avx_arg_param_offset(uint32_t slot, avx_buffer buffer, uint64_t offset, uint64_t size) {
    avx_arg arg = avx_arg_range(buffer, offset, size);
    arg.kind = AVX_ARG_PARAM_OFFSET;
    arg.slot = slot;
    return arg;
}

/// The same argument, its atomics without order among those of other dispatches with AVX_ARG_FLAG_UNORDERED.
static inline avx_arg avx_arg_unordered(avx_arg arg) {
    arg.flags |= AVX_ARG_FLAG_UNORDERED;
    return arg;
}

/// The same argument for the binding (group, binding) instead of the next one.
static inline avx_arg avx_arg_at(uint32_t group, uint32_t binding, avx_arg arg) {
    arg.flags |= AVX_ARG_FLAG_AT;
    arg.group = group;
    arg.binding = binding;
    return arg;
}

#endif /* AVX_GPU_NO_HELPERS */

/** @cond */
#if defined(__cplusplus) && __cplusplus >= 201103L
static_assert(sizeof(avx_arg) == 64 && offsetof(avx_arg, buffer) == 16 && offsetof(avx_arg, slot) == 48, "avx_arg is pinned");
#elif !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(sizeof(avx_arg) == 64 && offsetof(avx_arg, buffer) == 16 && offsetof(avx_arg, slot) == 48, "avx_arg is pinned");
#else
typedef char avx_arg_is_pinned[sizeof(avx_arg) == 64 && offsetof(avx_arg, buffer) == 16 && offsetof(avx_arg, slot) == 48 ? 1 : -1];
#endif

/* The same numbers as variables, for generators of bindings that would take another type from a macro's value. C sees the macros. */
@TYPED_CONSTANTS@
/** @endcond */

/* Other programs have functions called avx_copy or avx_fill, and the dynamic linker would take theirs for ours. So C and C++ callers are
 * bound to the names avx_gpu_...; the plain names are there for dlsym and FFIs. */
#if defined(__ELF__) && defined(__PRAGMA_REDEFINE_EXTNAME)
@SYMBOLS@
#endif

#ifdef __cplusplus
}
#endif

#endif /* AVX_GPU_H */
