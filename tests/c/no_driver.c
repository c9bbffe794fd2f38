/* no_driver.c: a machine with no driver, for which CTest points the loader at no driver. The call returns an error code, and the
 * message says what to install. */
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
