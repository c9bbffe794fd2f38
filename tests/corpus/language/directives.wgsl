requires readonly_and_readwrite_storage_textures, pointer_composite_access;
diagnostic(off, derivative_uniformity);
@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@must_use fn twice(x: u32) -> u32 { return 2 * x; }
@diagnostic(warning, subgroup_uniformity)
@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = twice(id.x); }
