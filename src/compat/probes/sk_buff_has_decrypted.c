// 5.10 has it, 4.18 not; nor have kernels that no device encrypts for.
// absent: error: .*no member named .decrypted
#include <linux/skbuff.h>

void probe(struct sk_buff *skb);
void probe(struct sk_buff *skb)
{
	(void)skb->decrypted;
}
