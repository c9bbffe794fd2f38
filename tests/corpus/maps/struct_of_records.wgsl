struct Account { id: u32, balance: f32, rate: f32, months: u32 }
@group(0) @binding(0) var<storage, read_write> accounts: array<Account>;
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&accounts) { return; }
    let account = &accounts[id.x];
    for (var month = 0u; month < (*account).months; month++) {
        (*account).balance += (*account).balance * account.rate;
    }
    account.id ^= 0x80000000u;
}
