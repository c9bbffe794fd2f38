/* no_driver.c: a machine with no driver (CTest points the loader at none): an error code and what to install. */
#include "check.h"

int main(void) {
    avx_device device = NULL;
    uint32_t count = 77;
    STATUS(AVX_ERROR_NO_DRIVER, avx_create(NULL, &device));
    TELLS("mesa-vulkan-drivers");
    CHECK(device == NULL);
    STATUS(AVX_ERROR_NO_DRIVER, avx_device_count(&count));
    TELLS("mesa-vulkan-drivers");
    CHECK(count == 0);
    OK(avx_destroy(NULL));
    return finish();
}
