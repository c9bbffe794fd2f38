struct Size { width: u32, height: u32 }
var<immediate> size: Size;
@group(0) @binding(0) var<storage, read> image: array<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
fn exchange(a: ptr<function, u32>, b: ptr<function, u32>) {
    let low = min(*a, *b);
    *b = max(*a, *b);
    *a = low;
}
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x + 2 >= size.width || id.y + 2 >= size.height { return; }
    let at = id.y * size.width + id.x;
    // The median of nine by nineteen exchanges.
    var a = image[at]; var b = image[at + 1]; var c = image[at + 2];
    var d = image[at + size.width]; var e = image[at + size.width + 1]; var f = image[at + size.width + 2];
    var g = image[at + 2 * size.width]; var h = image[at + 2 * size.width + 1]; var i = image[at + 2 * size.width + 2];
    exchange(&b, &c); exchange(&e, &f); exchange(&h, &i);
    exchange(&a, &b); exchange(&d, &e); exchange(&g, &h);
    exchange(&b, &c); exchange(&e, &f); exchange(&h, &i);
    exchange(&a, &d); exchange(&f, &i); exchange(&e, &h);
    exchange(&d, &g); exchange(&b, &e); exchange(&c, &f);
    exchange(&e, &h); exchange(&e, &c); exchange(&g, &e);
    exchange(&e, &c);
    out[id.y * (size.width - 2) + id.x] = e;
}
