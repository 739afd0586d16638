/*
 * draw_theme: draws the pictures of the menu's theme at build time: a quiet background, boxes with
 * round corners. Arguments: the folder to write them to.
 *
 * PNG (ISO/IEC 15948): 8-bit RGBA, no filter, one zlib stream.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define WIDTH  1024
#define HEIGHT 768

struct picture {
    unsigned width, height;
    uint8_t *pixels; /* RGBA */
};

struct colour {
    double r, g, b, a; /* 0..255 */
};

static void put_be32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static void put_chunk(FILE *out, const char *type, const uint8_t *data, uint32_t len)
{
    uint8_t word[4];
    uLong sum = crc32(crc32(0, (const uint8_t *)type, 4), data, len);

    put_be32(word, len);
    fwrite(word, 1, 4, out);
    fwrite(type, 1, 4, out);
    fwrite(data, 1, len, out);
    put_be32(word, (uint32_t)sum);
    fwrite(word, 1, 4, out);
}

/* Colour type 2 (RGB) when opaque, 6 (RGBA) otherwise: GRUB reads both. */
static void write_png(const struct picture *picture, const char *folder, const char *name,
                      int alpha)
{
    unsigned bytes = alpha ? 4 : 3;
    size_t row = 1 + (size_t)picture->width * bytes, len = row * picture->height;
    uLongf packed_len = compressBound(len);
    uint8_t *raw = calloc(1, len), *packed = malloc(packed_len), head[13] = {0};
    char path[4096];
    FILE *out;

    for (unsigned y = 0; y < picture->height; y++)
        for (unsigned x = 0; x < picture->width; x++)
            memcpy(raw + y * row + 1 + x * bytes, picture->pixels + 4 * (y * picture->width + x),
                   bytes);
    compress2(packed, &packed_len, raw, len, 9);
    put_be32(head, picture->width);
    put_be32(head + 4, picture->height);
    head[8] = 8;
    head[9] = alpha ? 6 : 2;
    snprintf(path, sizeof path, "%s/%s.png", folder, name);
    out = fopen(path, "wb");
    if (!out) {
        perror(path);
        exit(1);
    }
    fwrite("\x89PNG\r\n\x1a\n", 1, 8, out);
    put_chunk(out, "IHDR", head, sizeof head);
    put_chunk(out, "IDAT", packed, (uint32_t)packed_len);
    put_chunk(out, "IEND", head, 0);
    if (fclose(out)) {
        perror(path);
        exit(1);
    }
    free(raw);
    free(packed);
}

static void set(struct picture *picture, unsigned x, unsigned y, struct colour c)
{
    uint8_t *p = picture->pixels + 4 * (y * picture->width + x);

    p[0] = (uint8_t)lround(c.r);
    p[1] = (uint8_t)lround(c.g);
    p[2] = (uint8_t)lround(c.b);
    p[3] = (uint8_t)lround(c.a);
}

static struct colour mix(struct colour a, struct colour b, double t)
{
    return (struct colour){a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t,
                           255};
}

/* Dark blue, lighter towards the upper left; a thin line under the title. */
static void draw_background(const char *folder)
{
    const struct colour light = {30, 44, 66, 255}, dark = {13, 18, 27, 255};
    const struct colour line = {78, 132, 201, 255};
    struct picture picture = {WIDTH, HEIGHT, calloc(WIDTH * HEIGHT, 4)};

    for (unsigned y = 0; y < HEIGHT; y++)
        for (unsigned x = 0; x < WIDTH; x++) {
            double far = hypot(x - 0.2 * WIDTH, y + 0.1 * HEIGHT) / hypot(WIDTH, HEIGHT);
            /* steps of two levels keep the file small; a chequered half step hides them */
            struct colour c = mix(light, dark, fmin(1, floor(far * 56 + ((x ^ y) & 1) * 0.5) / 56));

            if (y >= 170 && y < 172 && x >= 123 && x < 901)
                c = mix(line, c, (double)(x - 123) / 778);
            set(&picture, x, y, c);
        }
    write_png(&picture, folder, "background", 0);
    free(picture.pixels);
}

/* How much of a pixel a disc of this radius around the origin covers. */
static double disc(double x, double y, double radius)
{
    return fmin(1, fmax(0, radius + 0.5 - hypot(x, y)));
}

/*
 * The nine slices of a box with round corners (GRUB's styled boxes: nw n ne w c e sw s se), each of
 * size x size pixels; the corner's radius is size.
 */
static void draw_box(const char *folder, const char *name, unsigned size, struct colour c)
{
    static const char *const slices[3][3] = {{"nw", "n", "ne"}, {"w", "c", "e"}, {"sw", "s", "se"}};
    struct picture picture = {size, size, calloc(size * size, 4)};

    for (int row = 0; row < 3; row++)
        for (int column = 0; column < 3; column++) {
            char slice[64];

            for (unsigned y = 0; y < size; y++)
                for (unsigned x = 0; x < size; x++) {
                    double dx = column == 0 ? size - x - 0.5 : column == 2 ? x + 0.5 : 0;
                    double dy = row == 0 ? size - y - 0.5 : row == 2 ? y + 0.5 : 0;
                    struct colour pixel = c;

                    if (row != 1 && column != 1)
                        pixel.a *= disc(dx, dy, size);
                    set(&picture, x, y, pixel);
                }
            snprintf(slice, sizeof slice, "%s_%s", name, slices[row][column]);
            write_png(&picture, folder, slice, 1);
        }
    free(picture.pixels);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    draw_background(argv[1]);
    draw_box(argv[1], "select", 8, (struct colour){58, 110, 180, 255});
    draw_box(argv[1], "scroll", 4, (struct colour){78, 92, 112, 255});
    draw_box(argv[1], "terminal", 8, (struct colour){9, 12, 18, 235});
    return 0;
}
