/* A FAKE libnvidia-ml.so.1 for tests. It drives no hardware; every number comes from a scenario.

   Written from the structures and codes that nvml.h documents
   (https://docs.nvidia.com/deploy/nvml-api/). It exports the symbol trainwatch_fake_nvml, so that
   nothing it says can be taken for a real reading.

   The scenario is text, "key value" per line. It is read from the file named by
   TRAINWATCH_FAKE_NVML whenever that file changed, or set by trainwatch_fake_nvml(text).
   Every key may end in ".<gpu>" to be meant for one GPU only.

     gpus N                      how many the driver lists
     fail SYMBOL CODE [FROM]     return CODE from the FROM-th call on (default: the first)
     hang SYMBOL MILLISECONDS
     lost.<gpu> 1                everything about it answers 15
     mig N                       MIG mode is on, with N slices
     name, uuid, total, used, reserved, busy, power, limit, temperature, reasons   values
     processes PID:BYTES PID:BYTES ...
     grow N                      every answer lists N more processes than the last

   Builds: plain = a driver of today; -DDRIVER_470 = symbols that came later are missing;
   -DDRIVER_535 = the process records of 535.43 .. 535.98, longer than everybody else's. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, UNSUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7, LOST = 15, VERSION = 25 };
enum { GPUS = 16, SLICES = 8, LINES = 256, SYMBOLS = 64 };

typedef struct { int gpu, slice; } Device;
typedef struct { char key[64]; char rest[2048]; } Line;

static Device whole[GPUS], slices[GPUS][SLICES];
static Line lines[LINES];
static int line_count, started, growth;
static struct { char symbol[64]; int gpu; long calls; } counters[SYMBOLS * GPUS];
static int counter_count;
static struct timespec file_time;
static long file_size = -1;

/* --- the scenario ------------------------------------------------------------------------- */

static void set_scenario(const char *text) {
    line_count = 0;
    while (*text && line_count < LINES) {
        Line *line = &lines[line_count];
        int length = (int)strcspn(text, "\n");
        if (sscanf(text, "%63s", line->key) == 1 && line->key[0] != '#') {
            int skip = (int)strcspn(text, " \n");
            skip += text[skip] == ' ';
            snprintf(line->rest, sizeof line->rest, "%.*s", length - skip > 0 ? length - skip : 0, text + skip);
            line_count++;
        }
        text += length + (text[length] == '\n');
    }
}

void trainwatch_fake_nvml(const char *text) {
    growth = 0;
    counter_count = 0;
    set_scenario(text);
}

static void reread(void) {
    static char text[1 << 16];
    const char *path = getenv("TRAINWATCH_FAKE_NVML");
    struct stat now;
    if (!path || stat(path, &now)) return;
    if (now.st_size == file_size && !memcmp(&now.st_mtim, &file_time, sizeof file_time)) return;
    FILE *file = fopen(path, "r");
    if (!file) return;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    file_size = now.st_size;
    file_time = now.st_mtim;
    set_scenario(text);
}

static const char *find(const char *key, int gpu) {
    char exact[80];
    const char *general = NULL;
    snprintf(exact, sizeof exact, "%s.%d", key, gpu);
    for (int i = line_count - 1; i >= 0; i--) {
        if (!strcmp(lines[i].key, exact)) return lines[i].rest;
        if (!general && !strcmp(lines[i].key, key)) general = lines[i].rest;
    }
    return general;
}

static unsigned long long number(const char *key, int gpu, unsigned long long otherwise) {
    const char *found = find(key, gpu);
    return found ? strtoull(found, NULL, 0) : otherwise;
}

static int gpu_count(void) {
    unsigned long long n = number("gpus", -1, 1);
    return n > GPUS ? GPUS : (int)n;
}

static long count_call(const char *symbol, int gpu) {
    for (int i = 0; i < counter_count; i++)
        if (counters[i].gpu == gpu && !strcmp(counters[i].symbol, symbol)) return ++counters[i].calls;
    if (counter_count < SYMBOLS * GPUS) {
        snprintf(counters[counter_count].symbol, 64, "%s", symbol);
        counters[counter_count].gpu = gpu;
        return counters[counter_count++].calls = 1;
    }
    return 1;
}

/* Every call passes here: 0, or the code that the scenario wants returned. */
static int gate(const char *symbol, int gpu) {
    reread();
    long call = count_call(symbol, gpu);
    int code = OK;
    for (int i = 0; i < line_count; i++) {
        char key[64] = "", wanted[64];
        long value, from = 1;
        memcpy(key, lines[i].key, sizeof key);
        char *dot = strchr(key, '.');
        if (dot && atoi(dot + 1) != gpu) continue;
        if (dot) *dot = 0;
        if (sscanf(lines[i].rest, "%63s %ld %ld", wanted, &value, &from) < 2 || strcmp(wanted, symbol)) continue;
        if (!strcmp(key, "fail") && call >= from) code = (int)value;
        if (!strcmp(key, "hang")) {
            struct timespec rest = {value / 1000, value % 1000 * 1000000};
            nanosleep(&rest, NULL);
        }
    }
    if (code) return code;
    return gpu >= 0 && number("lost", gpu, 0) ? LOST : OK;
}

#define ENTER(device)                                       \
    do {                                                    \
        int code = gate(__func__, (device) ? (device)->gpu : -1); \
        if (code) return code;                              \
        if (!started) return UNINITIALIZED;                 \
        if (!(device)) return INVALID;                      \
    } while (0)

/* --- the library as a whole ---------------------------------------------------------------- */

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    int code = gate(__func__, -1);
    if (code) return code;
    for (int gpu = 0; gpu < GPUS; gpu++) {
        whole[gpu] = (Device){gpu, -1};
        for (int slice = 0; slice < SLICES; slice++) slices[gpu][slice] = (Device){gpu, slice};
    }
    started = 1;
    return OK;
}

int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

int nvmlShutdown(void) {
    started = 0;
    return OK;
}

const char *nvmlErrorString(int code) {
    (void)code;
    return "an error that the FAKE library was told to return";
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    int code = gate(__func__, -1);
    if (code) return code;
    *count = (unsigned)gpu_count();
    return started ? OK : UNINITIALIZED;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device **device) {
    int code = gate(__func__, (int)index);
    if (code) return code;
    if ((int)index >= gpu_count()) return INVALID;
    *device = &whole[index];
    return started ? OK : UNINITIALIZED;
}

int nvmlDeviceGetMigMode(Device *device, unsigned *current, unsigned *pending) {
    ENTER(device);
    if (!find("mig", device->gpu)) return UNSUPPORTED;
    *current = *pending = number("mig", device->gpu, 0) > 0;
    return OK;
}

int nvmlDeviceGetMaxMigDeviceCount(Device *device, unsigned *count) {
    ENTER(device);
    *count = SLICES;
    return OK;
}

int nvmlDeviceGetMigDeviceHandleByIndex(Device *device, unsigned index, Device **slice) {
    ENTER(device);
    if (index >= number("mig", device->gpu, 0)) return NOT_FOUND;
    *slice = &slices[device->gpu][index];
    return OK;
}

/* --- one device ---------------------------------------------------------------------------- */

int nvmlDeviceGetUUID(Device *device, char *text, unsigned room) {
    ENTER(device);
    const char *uuid = find("uuid", device->gpu);
    if (device->slice >= 0) snprintf(text, room, "MIG-FAKE-%d-%d", device->gpu, device->slice);
    else if (uuid) snprintf(text, room, "%s", uuid);
    else snprintf(text, room, "GPU-FAKE-%d", device->gpu);
    return OK;
}

int nvmlDeviceGetName(Device *device, char *text, unsigned room) {
    ENTER(device);
    const char *name = find("name", device->gpu);
    snprintf(text, room, "%s%s", name ? name : "FAKE GPU", device->slice >= 0 ? " MIG 1g.10gb" : "");
    return OK;
}

typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; } Pci;

int nvmlDeviceGetPciInfo_v3(Device *device, Pci *pci) {
    ENTER(device);
    memset(pci, 0, sizeof *pci);
    pci->bus = 0x19 + (unsigned)device->gpu;
    return OK;
}

int nvmlDeviceGetUtilizationRates(Device *device, unsigned rates[2]) {
    ENTER(device);
    if (device->slice >= 0) return UNSUPPORTED;
    rates[0] = (unsigned)number("busy", device->gpu, 97);
    rates[1] = 41;
    return OK;
}

typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } Memory2;

static unsigned long long total(Device *d) { return number("total", d->gpu, 80ull << 30); }
static unsigned long long used(Device *d) { return number("used", d->gpu, 30ull << 30); }
static unsigned long long reserved(Device *d) { return number("reserved", d->gpu, 1ull << 30); }

int nvmlDeviceGetMemoryInfo(Device *device, Memory *memory) {
    ENTER(device);
    memory->total = total(device);
    memory->used = used(device) + reserved(device);
    memory->free = memory->total - memory->used;
    return OK;
}

#ifndef DRIVER_470
int nvmlDeviceGetMemoryInfo_v2(Device *device, Memory2 *memory) {
    ENTER(device);
    if (memory->version != (sizeof *memory | 2u << 24)) return VERSION;
    memory->total = total(device);
    memory->used = used(device);
    memory->reserved = reserved(device);
    memory->free = memory->total - memory->used - memory->reserved;
    return OK;
}
#endif

int nvmlDeviceGetPowerUsage(Device *device, unsigned *milliwatts) {
    ENTER(device);
    *milliwatts = (unsigned)number("power", device->gpu, 612345);
    return OK;
}

int nvmlDeviceGetEnforcedPowerLimit(Device *device, unsigned *milliwatts) {
    ENTER(device);
    *milliwatts = (unsigned)number("limit", device->gpu, 700000);
    return OK;
}

int nvmlDeviceGetTemperature(Device *device, unsigned sensor, unsigned *degrees) {
    ENTER(device);
    if (sensor) return INVALID;
    *degrees = (unsigned)number("temperature", device->gpu, 61);
    return OK;
}

typedef struct { unsigned version, sensor; int degrees; } Temperature;

#ifndef DRIVER_470
int nvmlDeviceGetTemperatureV(Device *device, Temperature *temperature) {
    ENTER(device);
    if (temperature->version != (sizeof *temperature | 1u << 24)) return VERSION;
    temperature->degrees = (int)number("temperature", device->gpu, 61);
    return OK;
}
#endif

int nvmlDeviceGetCurrentClocksThrottleReasons(Device *device, unsigned long long *mask) {
    ENTER(device);
    *mask = number("reasons", device->gpu, 4);
    return OK;
}

#ifndef DRIVER_470
int nvmlDeviceGetCurrentClocksEventReasons(Device *device, unsigned long long *mask) {
    ENTER(device);
    *mask = number("reasons", device->gpu, 4);
    return OK;
}
#endif

/* --- processes ----------------------------------------------------------------------------- */

typedef struct { unsigned pid; unsigned long long memory; } First;
typedef struct { unsigned pid; unsigned long long memory; unsigned gpu_instance, compute_instance; } Process;
typedef struct { Process process; unsigned long long protected_memory; } Process535;

static int list(Device *device, unsigned *count, char *out, size_t record) {
    const char *text = find("processes", device->gpu);
    unsigned room = *count, n = 0;
    growth += (int)number("grow", device->gpu, 0);
    unsigned wanted = (unsigned)growth;
    for (int pass = 0; pass < 2; pass++) {
        const char *at = text;
        int skip;
        unsigned pid;
        unsigned long long memory;
        n = 0;
        while (at && sscanf(at, " %u:%llu%n", &pid, &memory, &skip) == 2) {
            Process535 one = {{pid, memory, ~0u, ~0u}, 0};
            if (pass) memcpy(out + n * record, &one, record);
            n++;
            at += skip;
        }
        *count = n + wanted;
        if (!*count) return OK;
        if (!out || room < *count) return TOO_SMALL;
    }
    for (; n < *count; n++) {
        Process535 one = {{100000 + n, 1 << 20, ~0u, ~0u}, 0};
        memcpy(out + n * record, &one, record);
    }
    return OK;
}

int nvmlDeviceGetComputeRunningProcesses(Device *device, unsigned *count, void *out) {
    ENTER(device);
    return list(device, count, out, sizeof(First));
}

int nvmlDeviceGetComputeRunningProcesses_v2(Device *device, unsigned *count, void *out) {
    ENTER(device);
    return list(device, count, out, sizeof(Process));
}

#ifdef DRIVER_535
#define RECORD_V3 sizeof(Process535)
#else
#define RECORD_V3 sizeof(Process)
#endif

#ifndef DRIVER_470
int nvmlDeviceGetComputeRunningProcesses_v3(Device *device, unsigned *count, void *out) {
    ENTER(device);
    return list(device, count, out, RECORD_V3);
}

int nvmlDeviceGetConfComputeMemSizeInfo(Device *device, void *out) {
    (void)out;
    ENTER(device);
    return UNSUPPORTED;
}
#endif

#if !defined DRIVER_470 && !defined DRIVER_535
int nvmlDeviceGetRunningProcessDetailList(Device *device, void *out) {
    (void)out;
    ENTER(device);
    return UNSUPPORTED;
}
#endif
