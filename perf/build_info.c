/* build_info.c: what the compiler leaves behind in macros, and what git says at run time: compiled
 * in, a commit would be that of whenever this file was last compiled. */
#include "build_info.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "sentence.h"

#ifndef BUILD_FLAGS
#define BUILD_FLAGS ""
#endif

#ifdef __has_feature
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer) ||                             \
    HAS_FEATURE(memory_sanitizer) || HAS_FEATURE(undefined_behavior_sanitizer)
#define SANITIZED true
#else
#define SANITIZED false
#endif

#ifdef __OPTIMIZE__
#define OPTIMIZED true
#else
#define OPTIMIZED false
#endif

const char *build_info_compiler(void)
{
#ifdef __clang__
	return "clang " __clang_version__;
#else
	return "gcc " __VERSION__;
#endif
}

const char *build_info_flags(void)
{
	return BUILD_FLAGS[0] != '\0' ? BUILD_FLAGS : "unknown";
}

const char *build_info_warning(void)
{
	/* gcc has no macro for -fsanitize=undefined */
	if (SANITIZED || strstr(BUILD_FLAGS, "-fsanitize") != NULL)
		return "built with a sanitizer: the numbers say nothing about speed";
	if (!OPTIMIZED)
		return "built without optimisation: the numbers say nothing about speed";
	return NULL;
}

/* The folder of the running program. */
static bool find_folder(char folder[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
	if (length <= 0)
		return false;
	folder[length] = '\0';
	*strrchr(folder, '/') = '\0';
	return true;
}

void build_info_commit(char commit[BUILD_INFO_COMMIT_BYTES], bool *dirty)
{
	char folder[PATH_MAX];
	char top[PATH_MAX];
	char header[PATH_MAX + 32];
	char change[PATH_MAX];
	sentence(commit, BUILD_INFO_COMMIT_BYTES, "unknown");
	*dirty = false;
	if (!find_folder(folder))
		return;
	const char *ask_top[] = { "git", "-C", folder, "rev-parse", "--show-toplevel", NULL };
	if (command_first_line(ask_top, top, sizeof(top)) != 0)
		return;
	sentence(header, sizeof(header), "%s/monitor/dmonitor.h", top);
	if (access(header, F_OK) != 0)
		return;
	char found[BUILD_INFO_COMMIT_BYTES];
	const char *ask_commit[] = { "git", "-C", folder, "rev-parse", "HEAD", NULL };
	const char *ask_changes[] = { "git",    "--no-optional-locks", "-C", top,
		                      "status", "--porcelain",         NULL };
	if (command_first_line(ask_commit, found, sizeof(found)) != 0 ||
	    command_first_line(ask_changes, change, sizeof(change)) != 0)
		return;
	sentence(commit, BUILD_INFO_COMMIT_BYTES, "%s", found);
	*dirty = change[0] != '\0';
}
