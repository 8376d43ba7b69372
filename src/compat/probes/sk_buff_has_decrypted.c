// 5.10 has this member if built with device encryption. 4.18 never has it.
// absent: error: .*no member named .decrypted
#include <linux/skbuff.h>

void probe(struct sk_buff *skb);
void probe(struct sk_buff *skb)
{
	(void)skb->decrypted;
}
