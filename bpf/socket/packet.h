/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copies bytes out of a packet, wherever in it they lie. Only where bpf_dynptr_from_skb exists (6.12 and later). */
#pragma once

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
extern int bpf_dynptr_from_skb(struct sk_buff *skb, __u64 flags, struct bpf_dynptr *ptr) __ksym __weak;

/* Set to 0 where the verifier refuses it: in functions' entries and exits. */
#ifndef CAN_READ_PACKETS
#define CAN_READ_PACKETS (bpf_dynptr_from_skb && bpf_rdonly_cast)
#endif

#define AS(pointer, type) ((type *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(type)))

/* Where the kernel maps all memory, and its array of struct page (x86-64). They do not change while it runs. */
extern const void page_offset_base __ksym __weak;
extern const void vmemmap_base __ksym __weak;

__u64 direct_map SEC(".data.pages") = 0;
__u64 page_array SEC(".data.pages") = 0;

/* Where they are in a kernel without CONFIG_DYNAMIC_MEMORY_LAYOUT, which has no variables for them. */
#define FIXED_DIRECT_MAP 0xffff888000000000ULL
#define FIXED_PAGE_ARRAY 0xffffea0000000000ULL

enum {
	PAGE_BYTES = 4096,
	STRUCT_PAGE = 64, /* nearly everywhere; a constant that the compiler can divide by */
	NOT_A_PAGE = 1,   /* in skb_frag.netmem: memory of a device */
};

static __always_inline bool know_the_maps(void)
{
	__u64 pages = 0;

	if (direct_map)
		return true;
	if (!&page_offset_base || !&vmemmap_base) {
		page_array = FIXED_PAGE_ARRAY;
		direct_map = FIXED_DIRECT_MAP;
		return true;
	}
	if (bpf_probe_read_kernel(&pages, sizeof(pages), &vmemmap_base))
		return false;
	page_array = pages;
	return !bpf_probe_read_kernel(&direct_map, sizeof(direct_map), &page_offset_base) && direct_map;
}

/*
 * Where a packet's pages are noted was written by another processor, and is needed late: asked for first, it comes while all
 * the rest is done. The load has no other use.
 */
static __always_inline void fetch_note_of_pages(struct sk_buff *skb)
{
	struct skb_shared_info *info = AS(skb->head + skb->end, struct skb_shared_info);

	(void)*(volatile __u8 *)&info->nr_frags;
}

/*
 * TCP's payload is in pages, nearly always in one: then it is copied from there, which takes half the time of what works
 * for every packet. Fails where that is not so.
 */
static __always_inline long read_first_page(void *to, __u64 length, struct sk_buff *skb, __u32 offset)
{
	__u32 linear = skb->len - skb->data_len;
	struct skb_shared_info *info;
	struct skb_frag *first;
	__u64 page;

	if (offset < linear || !know_the_maps())
		return -1;
	offset -= linear;
	info = AS(skb->head + skb->end, struct skb_shared_info);
	first = &info->frags[0];
	page = first->netmem;
	if (!info->nr_frags || page & NOT_A_PAGE || (__u64)offset + length > first->len)
		return -1;
	page -= page_array;
	if (bpf_core_type_size(struct page) == STRUCT_PAGE)
		page /= STRUCT_PAGE;
	else
		page /= bpf_core_type_size(struct page);
	page *= PAGE_BYTES;
	return bpf_probe_read_kernel(to, length, (void *)(direct_map + page + first->offset + offset));
}

static __always_inline long read_packet(void *to, __u64 length, const void *packet, __u32 offset)
{
	struct bpf_dynptr bytes;

	if (!CAN_READ_PACKETS)
		return -1;
	if (!read_first_page(to, length, (struct sk_buff *)packet, offset))
		return 0;
	if (bpf_dynptr_from_skb((struct sk_buff *)packet, 0, &bytes))
		return -1;
	return bpf_dynptr_read(to, length, &bytes, offset, 0);
}
